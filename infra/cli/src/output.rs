//! Plain text for people: colour only where a terminal shows it, and none with `NO_COLOR` (no-color.org).

use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

/// What a word means, shown by its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// No colour.
    Plain,
    /// As it should be.
    Good,
    /// On its way, or left so by hand.
    Pending,
    /// Not as it should be.
    Bad,
    /// Less important.
    Faint,
    /// A heading.
    Heading,
}

impl Tone {
    /// The ANSI sequence (ECMA-48, SGR) that begins it.
    fn sequence(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "\x1b[32m",
            Self::Pending => "\x1b[33m",
            Self::Bad => "\x1b[31m",
            Self::Faint => "\x1b[2m",
            Self::Heading => "\x1b[1m",
        }
    }

    /// The text in this tone, where colour is wanted.
    pub(crate) fn paint(self, text: &str, colour: bool) -> String {
        if colour && self != Self::Plain { format!("{}{text}\x1b[0m", self.sequence()) } else { text.to_owned() }
    }
}

/// Whether standard output shows colour.
pub(crate) fn colour() -> bool {
    wants_colour(io::stdout().is_terminal())
}

fn wants_colour(terminal: bool) -> bool {
    terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Writes a line to standard output.
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Writes text whose last line may or may not have its end.
pub(crate) fn text(text: impl Display) -> io::Result<()> {
    line(text.to_string().trim_end_matches('\n'))
}

/// Writes an error to standard error.
pub(crate) fn error(text: impl Display) {
    let name = Tone::Bad.paint("plumbline:", wants_colour(io::stderr().is_terminal()));
    // Where standard error is closed, nobody is left to tell.
    let _ = writeln!(io::stderr().lock(), "{name} {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_ends_where_it_should() {
        assert_eq!(Tone::Good.paint("ready", true), "\x1b[32mready\x1b[0m");
        assert_eq!(Tone::Good.paint("ready", false), "ready");
        assert_eq!(Tone::Plain.paint("ready", true), "ready");
    }
}
