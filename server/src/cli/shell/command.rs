//! What the shell does itself: plain words, without a semicolon.

use clap::ValueEnum;

use crate::render::OutputFormat;

/// A line that is not a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// Tell what can be typed.
    Help,
    /// End the shell.
    Quit,
    /// Show rows and times, or no longer.
    Timing,
    /// Write answers so from now on.
    Format(OutputFormat),
    /// `format` without a format that exists.
    BadFormat,
}

/// What `help` says.
pub(super) const HELP: &str = "\
A statement ends with a semicolon and may span lines. Tab completes, Ctrl-C ends a statement.

  SHOW BRANDS;                                     what the store holds: also BEHAVIOURS,
                                                   ATTRIBUTES, MODELS, AUDIENCES, STORE,
                                                   STORAGE
  COUNT BY brand.stage;                            who is in which stage, on the newest day
  COUNT BY brand.stage AS OF '2017-11-11';         ... on any day
  COUNT WHERE brand DID cart IN LAST 7 DAYS AND NOT brand DID buy IN LAST 7 DAYS;
  OVERLAP a, b, c REGIONS;                         whom brands share
  EXPLAIN ANALYZE COUNT WHERE ...;                 how a question is answered

  help                show this
  format csv          write answers as table, csv, json or markdown
  timing              show rows and times, or no longer
  quit                leave (also Ctrl-D)
";

/// The command of a line, if it is one.
pub(super) fn parse(line: &str) -> Option<Command> {
    let line = line.trim().trim_end_matches(';').trim_end().to_ascii_lowercase();
    let mut words = line.split_ascii_whitespace();
    let command = match (words.next()?, words.next()) {
        ("help" | "?" | "\\?" | "\\h", None) => Command::Help,
        ("quit" | "exit" | "\\q", None) => Command::Quit,
        ("timing" | "\\timing", None) => Command::Timing,
        ("format", name) => match name.map(|name| OutputFormat::from_str(name, true)) {
            Some(Ok(format)) if words.next().is_none() => Command::Format(format),
            _ => Command::BadFormat,
        },
        _ => return None,
    };
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::{Command, OutputFormat, parse};

    #[test]
    fn words_are_commands_and_statements_are_not() {
        assert_eq!(parse(" help ;"), Some(Command::Help));
        assert_eq!(parse("\\q"), Some(Command::Quit));
        assert_eq!(parse("FORMAT Csv"), Some(Command::Format(OutputFormat::Csv)));
        assert_eq!(parse("format xml"), Some(Command::BadFormat));
        assert_eq!(parse("format"), Some(Command::BadFormat));
        assert_eq!(parse("timing;"), Some(Command::Timing));
        assert_eq!(parse("COUNT WHERE help.stage = L"), None);
        assert_eq!(parse("help me"), None);
        assert_eq!(parse("  "), None);
    }
}
