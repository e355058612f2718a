//! The command line, word by word.

use std::collections::HashMap;

use super::table::{self, FLAGS};

/// Values of flags; what isn't given has its default.
#[derive(Debug, Default)]
pub(super) struct Values(HashMap<&'static str, String>);

/// What the command line asks for.
#[derive(Debug)]
pub(super) enum Asked {
    Serve(Values),
    Help,
    Version,
}

/// Why the command line can't be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// There is no such flag.
    #[error("there is no flag --{0}")]
    Unknown(String),
    /// A flag stands last, and has no value.
    #[error("--{0} needs a value")]
    NoValue(String),
    /// A word that is neither a flag nor a flag's value.
    #[error("{0:?} is no flag")]
    NotAFlag(String),
}

impl Values {
    pub(super) fn read(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Asked, FlagError> {
        // An empty variable counts as one that isn't set, as compose files have them.
        let set = |flag| variable(&table::variable(flag)).filter(|value| !value.is_empty());
        let mut values = Self(FLAGS.iter().filter_map(|flag| Some((flag.name, set(flag)?))).collect());
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let Some(name) = argument.strip_prefix("--") else {
                match argument.as_str() {
                    "-h" => return Ok(Asked::Help),
                    "-V" => return Ok(Asked::Version),
                    _ => return Err(FlagError::NotAFlag(argument)),
                }
            };
            let (name, value) =
                name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value.to_owned())));
            match name {
                "help" => return Ok(Asked::Help),
                "version" => return Ok(Asked::Version),
                _ => {}
            }
            let flag = table::find(name).ok_or_else(|| FlagError::Unknown(name.to_owned()))?;
            let value = value.or_else(|| arguments.next()).ok_or_else(|| FlagError::NoValue(name.to_owned()))?;
            values.0.insert(flag.name, value);
        }
        Ok(Asked::Serve(values))
    }

    /// The flag's value, or its default.
    pub(super) fn get(&self, name: &'static str) -> &str {
        let default = || table::find(name).map_or("", |flag| flag.default);
        self.0.get(name).map_or_else(default, String::as_str)
    }
}
