//! Running the parts, one after the other.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use throng::kernel;
use throng::storage::io;

use super::growth::Own;
use super::options::{Options, Part};
use super::peers::{self, Peers};
use super::results::Results;
use super::{document, plot, tables};
use crate::capacity::{machine, write};
use crate::{Failure, Outcome};

/// The place of the document that says what was compared where.
const SYSTEMS: &str = "systems";

/// Measures what is not measured yet, and writes the tables of the document and the plots.
///
/// # Errors
/// When a part fails, or answers differ; what was measured before stays noted.
pub fn run(options: &Options) -> Outcome {
    std::fs::create_dir_all(&options.dir)?;
    let program = std::env::current_exe()?;
    let programs = program.parent().ok_or("this program is in no directory")?;
    let mut results = Results::open(&options.dir)?;
    let data = std::path::absolute(options.dir.join("data"))?;
    let parts: Vec<Part> =
        Part::ALL.into_iter().filter(|part| options.parts.contains(part)).collect();
    // Before anything is measured.
    let text = document_of(options)?;
    for name in [SYSTEMS].into_iter().chain(parts.iter().map(|part| part.name())) {
        document::with(&text, name, "")?;
    }
    let is_due =
        |results: &Results, part: Part| options.again || results.part(options, part).is_none();
    let due = parts.iter().filter(|part| is_due(&results, **part));
    let has_peers = due.clone().any(|part| part.has_peers());
    if due.count() > 0 && !options.no_build {
        peers::build(programs, has_peers)?;
    }
    let mut peers = None;
    for part in parts {
        if !is_due(&results, part) {
            println!("{}: measured before", part.name());
            continue;
        }
        println!("{}: measuring", part.name());
        if part.has_peers() && peers.is_none() {
            let ready = Peers::ready(&options.venv)?;
            results.note_other("versions", ready.run(&["versions".to_owned()], programs)?);
            peers = Some(ready);
        }
        let own = Own { options, programs, data: &data };
        let found = measure(&own, part, peers.as_ref())?;
        results.note_other("machine", told_machine());
        results.note(options, part, found)?;
        // After each part, so that a run that is ended early leaves what it found.
        write_down(options, &results)?;
    }
    write_down(options, &results)?;
    if !options.keep && data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    println!("written: {}", options.out.display());
    Ok(())
}

fn told_machine() -> Value {
    json!({ "machine": machine(), "kernels": kernel::level().name() })
}

fn measure(own: &Own<'_>, part: Part, peers: Option<&Peers>) -> Result<Value, Failure> {
    let options = own.options;
    let (folder, size) = match part {
        Part::Growth => return own.growth(),
        Part::Valuation => return own.valuation(),
        Part::Ask => (own.events_folder(options.events)?, options.events),
        Part::Sets => (own.sets_folder(options.consumers)?, options.consumers),
        Part::Load => (own.folder(&sized("load", options))?, options.load_events),
        Part::Seconds => (own.folder(&sized("seconds", options))?, options.load_events),
    };
    let arguments = [
        part.name().to_owned(),
        "--folder".to_owned(),
        folder.to_string_lossy().into_owned(),
        "--size".to_owned(),
        size.to_string(),
        "--rounds".to_owned(),
        options.rounds.to_string(),
        "--people".to_owned(),
        options.people.to_string(),
    ];
    peers.ok_or("there are no peers")?.run(&arguments, own.programs)
}

fn sized(name: &str, options: &Options) -> String {
    format!("{name}-{}-of-{}", options.load_events, options.people)
}

/// The document, or an empty one with every place.
fn document_of(options: &Options) -> Result<String, Failure> {
    let out = &options.out;
    if !out.exists() {
        let names: Vec<_> = [SYSTEMS].into_iter().chain(Part::ALL.map(Part::name)).collect();
        return Ok(document::empty(&names));
    }
    let text = String::from_utf8(io::read(out)?);
    Ok(text.map_err(|_| format!("{} is not UTF-8", out.display()))?)
}

/// Writes the tables of what was found with these options, and the plots.
fn write_down(options: &Options, results: &Results) -> Outcome {
    let out = &options.out;
    if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut text = document_of(options)?;
    let other = |name| results.other(name).cloned().unwrap_or_default();
    text = document::with(&text, SYSTEMS, &tables::systems(&other("machine"), &other("versions")))?;
    for part in Part::ALL {
        let Some(found) = results.part(options, part) else { continue };
        let table = match part {
            Part::Load => tables::load(found),
            Part::Ask => {
                let name = beside(out, "-questions.svg");
                write(&name, plot::questions(found).as_bytes())?;
                tables::ask(found) + &shown("Questions beside other systems", &name)
            }
            Part::Sets => tables::sets(found),
            Part::Seconds => tables::seconds(found),
            Part::Valuation => tables::valuation(found, options.events),
            Part::Growth => {
                let name = beside(out, ".svg");
                write(&name, plot::growth(found).as_bytes())?;
                tables::growth(found) + &shown("Growth of Throng's times", &name)
            }
        };
        text = document::with(&text, part.name(), &table)?;
    }
    write(out, text.as_bytes())
}

/// A file beside the document, with its name and another ending.
fn beside(out: &Path, ending: &str) -> PathBuf {
    let stem = out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    out.with_file_name(stem + ending)
}

fn shown(what: &str, plot: &Path) -> String {
    let name = plot.file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!("\n![{what}]({name})\n")
}
