//! The kinds of settings as a program sees them.

use std::{ops::RangeInclusive, time::Duration};

use super::definition::Kind;

/// A kind of setting, with its default.
pub trait Shape {
    /// What the program gets.
    type Value: Copy + Send + Sync + 'static;

    /// What it may be.
    fn kind(&self) -> Kind;
    /// The default as text.
    fn default(&self) -> String;
    /// How the program gets it.
    fn reading(&self) -> Reading<Self::Value>;
}

/// How a value is made of the word of memory that [`Kind`] parses it to.
#[derive(Debug, Clone, Copy)]
pub enum Reading<T: 'static> {
    /// Of the word itself.
    Word(fn(u64) -> T),
    /// Of its place in a table.
    Table(&'static [(&'static str, T)]),
    /// Always this.
    Fixed(T),
}

impl<T: Copy> Reading<T> {
    pub(super) fn of(&self, word: u64) -> T {
        match self {
            Self::Word(read) => read(word),
            Self::Table(table) => table[word as usize].1,
            Self::Fixed(value) => *value,
        }
    }
}

/// A whole number.
#[derive(Debug, Clone)]
pub struct Integer {
    /// What it is while nobody has set it.
    pub default: i64,
    /// What it may be.
    pub range: RangeInclusive<i64>,
}

impl Shape for Integer {
    type Value = i64;

    fn kind(&self) -> Kind {
        Kind::Integer { least: *self.range.start(), most: *self.range.end() }
    }

    fn default(&self) -> String {
        self.default.to_string()
    }

    fn reading(&self) -> Reading<i64> {
        Reading::Word(u64::cast_signed)
    }
}

/// A time, in whole milliseconds.
#[derive(Debug, Clone)]
pub struct Milliseconds {
    /// What it is while nobody has set it.
    pub default: Duration,
    /// What it may be.
    pub range: RangeInclusive<Duration>,
}

impl Shape for Milliseconds {
    type Value = Duration;

    fn kind(&self) -> Kind {
        Kind::Milliseconds { least: milliseconds(*self.range.start()), most: milliseconds(*self.range.end()) }
    }

    fn default(&self) -> String {
        milliseconds(self.default).to_string()
    }

    fn reading(&self) -> Reading<Duration> {
        Reading::Word(Duration::from_millis)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A number from 0 to 1.
#[derive(Debug, Clone)]
pub struct Ratio {
    /// What it is while nobody has set it.
    pub default: f64,
}

impl Shape for Ratio {
    type Value = f64;

    fn kind(&self) -> Kind {
        Kind::Ratio
    }

    fn default(&self) -> String {
        self.default.to_string()
    }

    fn reading(&self) -> Reading<f64> {
        Reading::Word(f64::from_bits)
    }
}

/// One of some words, each with what it means to the program.
#[derive(Debug, Clone)]
pub struct Choice<T: 'static> {
    /// The word it is while nobody has set it.
    pub default: &'static str,
    /// What it may be.
    pub words: &'static [(&'static str, T)],
}

impl<T: Copy + Send + Sync + 'static> Shape for Choice<T> {
    type Value = T;

    fn kind(&self) -> Kind {
        Kind::Choice { words: self.words.iter().map(|(word, _)| (*word).to_owned()).collect() }
    }

    fn default(&self) -> String {
        self.default.to_owned()
    }

    fn reading(&self) -> Reading<T> {
        Reading::Table(self.words)
    }
}

/// On or off.
#[derive(Debug, Clone)]
pub struct Flag {
    /// What it is while nobody has set it.
    pub default: bool,
}

impl Shape for Flag {
    type Value = bool;

    fn kind(&self) -> Kind {
        Kind::Flag
    }

    fn default(&self) -> String {
        self.default.to_string()
    }

    fn reading(&self) -> Reading<bool> {
        Reading::Word(|word| word != 0)
    }
}
