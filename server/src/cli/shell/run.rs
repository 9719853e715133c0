//! The shell's loop.

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use reedline::Signal;
use throng::query::split_statements;

use super::command::{self, Command, HELP};
use super::editor::{StorePrompt, editor};
use crate::cli::session::{Session, Timing};
use crate::cli::{CliError, Context};
use crate::render::OutputFormat;

/// Ask a store by hand: history, completion, lines until a semicolon.
///
/// Standard input that is not a terminal is read as a script, which ends at the first error.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How answers are written.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Table)]
    format: OutputFormat,
}

/// Whether the shell goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Line,
    End,
}

pub(in crate::cli) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        let session = Session::open(&context.data, args.format, Timing::Shown)?;
        return interact(session, &context.data);
    }
    let mut session = Session::open(&context.data, args.format, Timing::Hidden)?;
    let mut text = String::new();
    stdin.lock().read_to_string(&mut text)?;
    script(&mut session, &text)
}

/// Runs a script: statements, and the shell's own words each on a line of its own between them.
fn script(session: &mut Session, text: &str) -> Result<(), CliError> {
    for part in parts(text) {
        match command::parse(part) {
            Some(command) => {
                if obey(session, command)? == Next::End {
                    return Ok(());
                }
            }
            None => session.run(part)?,
        }
    }
    Ok(())
}

/// Cuts a script into statements and the lines of commands before them.
fn parts(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    for range in split_statements(text) {
        let mut rest = &text[range];
        while let Some((line, below)) = rest.split_once('\n') {
            if command::parse(line).is_none() {
                break;
            }
            out.push(line);
            rest = below.trim_start();
        }
        out.push(rest);
    }
    out
}

fn interact(mut session: Session, data: &Path) -> Result<(), CliError> {
    let name = data.file_name().map_or_else(|| "throng".into(), |name| name.to_string_lossy());
    let prompt = StorePrompt { name: name.into_owned() };
    let mut editor = editor(&session.database);
    writeln!(
        io::stdout(),
        "throng {} on {}. Type `help` for help, `quit` to leave.",
        env!("CARGO_PKG_VERSION"),
        data.display()
    )?;
    loop {
        let text = match editor.read_line(&prompt)? {
            Signal::Success(text) => text,
            Signal::CtrlC => continue,
            _ => return Ok(()),
        };
        let outcome = match command::parse(&text) {
            Some(command) => obey(&mut session, command),
            None => session.run(&text).map(|()| Next::Line),
        };
        match outcome {
            Ok(Next::Line) => {}
            Ok(Next::End) => return Ok(()),
            Err(error) if error.is_broken_pipe() => return Err(error),
            Err(error) => writeln!(io::stderr(), "{}", error.report())?,
        }
    }
}

fn obey(session: &mut Session, command: Command) -> Result<Next, CliError> {
    let mut stderr = io::stderr().lock();
    match command {
        Command::Quit => return Ok(Next::End),
        Command::Help => io::stdout().lock().write_all(HELP.as_bytes())?,
        Command::Timing => {
            session.timing = match session.timing {
                Timing::Shown => Timing::Hidden,
                Timing::Hidden => Timing::Shown,
            };
            let state = if session.timing == Timing::Shown { "on" } else { "off" };
            writeln!(stderr, "timing is {state}")?;
        }
        Command::Format(format) => session.format = format,
        Command::BadFormat => {
            writeln!(
                stderr,
                "formats are: format table, format csv, format json, format markdown"
            )?;
        }
    }
    Ok(Next::Line)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn commands_stand_between_statements() {
        let text = "timing\nformat csv\nCOUNT\n BY age; quit\n";
        assert_eq!(parts(text), ["timing", "format csv", "COUNT\n BY age", "quit"]);
        assert_eq!(parts("help"), ["help"]);
        assert!(parts(" -- nothing\n").is_empty());
    }
}
