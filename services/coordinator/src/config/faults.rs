//! All that is wrong with a configuration, told at once.

use std::fmt;

use super::flags::Values;
use crate::urls::Url;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Of this flag.
    pub flag: &'static str,
    /// What is wrong, and what to do.
    pub fault: String,
}

/// Every fault that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Fault { flag, fault }) in self.0.iter().enumerate() {
            write!(formatter, "{}--{flag} {fault}", if number == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl Faults {
    pub(super) fn add(&mut self, flag: &'static str, fault: impl Into<String>) {
        self.0.push(Fault { flag, fault: fault.into() });
    }

    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    pub(super) fn urls(&mut self, values: &Values, flag: &'static str) -> Vec<Url> {
        Url::list(values.get(flag)).unwrap_or_else(|error| {
            self.add(flag, format!("can't be read: {error}"));
            Vec::new()
        })
    }

    pub(super) fn number(&mut self, values: &Values, flag: &'static str, least: u64) -> u64 {
        match values.get(flag).parse() {
            Ok(number) if number >= least => number,
            _ => {
                self.add(flag, format!("is {:?}: give a whole number of at least {least}", values.get(flag)));
                least
            }
        }
    }
}
