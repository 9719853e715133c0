//! The comparison in little, without other systems: it writes what it found into a document, and
//! does nothing twice.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test of files that panics")]

use std::fs;
use std::path::Path;
use std::process::Command;

const DOCUMENT: &str = "# What is kept\n\n<!-- compare: begin systems -->\n<!-- end -->\n\
    before\n<!-- compare: begin valuation -->\nold\n<!-- end -->\nbetween\n\
    <!-- compare: begin growth -->\nold\n<!-- end -->\nafter\n";

fn run(dir: &Path, parts: &str, rounds: &str) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["compare", "--events", "40k", "--people", "5000", "--consumers", "100k"])
        .args(["--no-build", "--rounds", rounds, "--parts", parts, "--dir"])
        .arg(dir.join("work"))
        .arg("--out")
        .arg(dir.join("figures.md"))
        .output()
        .unwrap();
    let text = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn growth_and_valuation_are_measured_written_down_and_not_measured_again() {
    // The jobs of that program are what is run.
    assert!(Path::new(env!("CARGO_BIN_EXE_throng-bench")).exists());
    let dir = tempfile::tempdir().unwrap();
    let document = dir.path().join("figures.md");
    fs::write(&document, DOCUMENT).unwrap();
    let (done, text) = run(dir.path(), "valuation", "1");
    assert!(done, "{text}");
    let written = fs::read_to_string(&document).unwrap();
    assert!(written.contains("| PROFILE over 8 attributes |"), "{written}");
    assert!(written.contains("| ASSET by a chain |") && written.contains("Throng 0."), "{written}");
    assert!(written.contains("begin growth -->\nold\n<!-- end -->\nafter\n"), "{written}");
    let (done, text) = run(dir.path(), "growth,valuation", "1");
    assert!(done && text.contains("valuation: measured before"), "{text}");
    let written = fs::read_to_string(&document).unwrap();
    assert!(written.contains("| consumers | 1 k | 3 k | 10 k | 30 k | 100 k |"), "{written}");
    assert!(written.contains("| events | 400 | 1.2 k | 4 k | 12 k | 40 k |"), "{written}");
    assert!(written.contains("| sets of an overlap | 2 | 5 | 10 | 20 | 40 | 64 |"), "{written}");
    assert!(!written.contains("NaN") && !written.contains("inf |"), "{written}");
    for kept in ["# What is kept\n\n<!--", "<!-- end -->\nbefore\n<!--", "<!-- end -->\nbetween\n"]
    {
        assert!(written.contains(kept), "{written}");
    }
    let plot = fs::read_to_string(dir.path().join("figures.svg")).unwrap();
    assert_eq!(plot.matches("<g transform").count(), 4);
    assert!(plot.matches("<polyline").count() >= 7, "{plot}");
    assert!(!plot.contains("NaN"), "{plot}");
    // Everything is known: nothing is made, and the data of before is gone.
    let (done, text) = run(dir.path(), "growth,valuation", "1");
    assert!(done && !text.contains("measuring") && !text.contains("making"), "{text}");
    assert!(!dir.path().join("work").join("data").exists());
    assert_eq!(fs::read_to_string(&document).unwrap(), written);
    // Other rounds are other figures.
    let (done, text) = run(dir.path(), "valuation", "2");
    assert!(done && text.contains("valuation: measuring"), "{text}");
}

#[test]
fn a_document_without_a_place_is_told_what_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("figures.md"), "# Nothing\n").unwrap();
    let (done, text) = run(dir.path(), "valuation", "1");
    assert!(!done && text.contains("add the lines"), "{text}");
    // Before anything is measured.
    assert!(!text.contains("measuring"), "{text}");
}
