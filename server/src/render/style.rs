//! Colours, for terminals that want them.

use std::io::IsTerminal;

/// Whether and how text is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    colour: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colour {
    Never,
    Ansi,
}

/// What a text is, not how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Headings.
    Strong,
    /// Rules, notes, timings.
    Faint,
    /// What is being asked.
    Statement,
    /// The n-th of several things shown together.
    Series(usize),
}

impl Style {
    /// No colours.
    pub const PLAIN: Self = Self { colour: Colour::Never };
    /// The terminal's own sixteen colours, so that they fit its theme.
    pub const COLOUR: Self = Self { colour: Colour::Ansi };

    /// Colours when standard output is a terminal that can show them and `NO_COLOR` is not set.
    #[must_use]
    pub fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if std::io::stdout().is_terminal() && !refused && !dumb {
            Self::COLOUR
        } else {
            Self::PLAIN
        }
    }

    /// The text in the colour of its tone.
    #[must_use]
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if self.colour == Colour::Never || text.is_empty() {
            return text.to_owned();
        }
        const SERIES: [&str; 6] = ["34", "36", "32", "33", "35", "31"];
        let code = match tone {
            Tone::Strong => "1",
            Tone::Faint => "2",
            Tone::Statement => "1;36",
            Tone::Series(index) => SERIES[index % SERIES.len()],
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Columns to draw within: the terminal's, at least 60 and at most 100; 90 without a terminal.
#[must_use]
pub fn columns() -> usize {
    match terminal_size::terminal_size() {
        Some((terminal_size::Width(width), _)) => usize::from(width).clamp(60, 100),
        None => 90,
    }
}
