//! etcd's flags, read as Go's `flag` package reads them, with `ETCD_` variables behind them.

use std::collections::HashMap;

use super::table::{self, Flag, Kind};

/// The values that were given, by flag. What wasn't given has its default.
#[derive(Debug, Default)]
pub(super) struct Values {
    given: HashMap<&'static str, String>,
    /// Variables that look like etcd's and are none.
    pub(super) unknown_variables: Vec<String>,
}

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
    #[error("flag provided but not defined: -{0}")]
    Unknown(String),
    /// A flag stands last, and has no value.
    #[error("flag needs an argument: -{0}")]
    NoValue(String),
    /// A word that is neither a flag nor a flag's value.
    #[error("'{0}' is not a valid flag")]
    NotAFlag(String),
    /// The word `snapshot`, and nothing that can be done with one.
    #[error("'snapshot' is followed by 'status FILE' or 'restore FILE'; members save them: etcdctl snapshot save FILE")]
    NoSuchCommand,
    /// No file is named.
    #[error("the snapshot's file is missing: name it before the flags")]
    NoFile,
    /// A flag that is either true or false is neither.
    #[error("invalid boolean value {value:?} for -{flag}: give true or false")]
    NotBoolean {
        /// The flag.
        flag: &'static str,
        /// What was given.
        value: String,
    },
}

impl Values {
    /// Of the flags that `find` knows.
    pub(super) fn read(
        find: fn(&str) -> Option<&'static Flag>,
        arguments: impl IntoIterator<Item = String>,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Asked, FlagError> {
        let mut values = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let Some(name) = argument.strip_prefix("--").or_else(|| argument.strip_prefix('-')) else {
                return Err(FlagError::NotAFlag(argument));
            };
            let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
            match name {
                "help" | "h" => return Ok(Asked::Help),
                "version" => return Ok(Asked::Version),
                _ => {}
            }
            let flag = find(name).ok_or_else(|| FlagError::Unknown(name.to_owned()))?;
            let value = match (value, flag.kind) {
                (Some(value), _) => value.to_owned(),
                (None, Kind::Boolean) => "true".to_owned(),
                (None, Kind::Value) => arguments.next().ok_or_else(|| FlagError::NoValue(name.to_owned()))?,
            };
            values.set(flag, value)?;
        }
        values.add_variables(variables)?;
        Ok(Asked::Serve(values))
    }

    /// A variable counts where the flag wasn't given.
    fn add_variables(&mut self, variables: impl IntoIterator<Item = (String, String)>) -> Result<(), FlagError> {
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix("ETCD_") else { continue };
            match table::find(&name.to_lowercase().replace('_', "-")) {
                Some(flag) if !self.given.contains_key(flag.name) && !value.is_empty() => self.set(flag, value)?,
                Some(_) => {}
                None => self.unknown_variables.push(variable),
            }
        }
        Ok(())
    }

    fn set(&mut self, flag: &'static Flag, value: String) -> Result<(), FlagError> {
        let value = match flag.kind {
            Kind::Boolean => boolean(&value).ok_or(FlagError::NotBoolean { flag: flag.name, value })?.to_string(),
            Kind::Value => value,
        };
        self.given.insert(flag.name, value);
        Ok(())
    }

    /// The flag's value, or its default.
    pub(super) fn get(&self, name: &'static str) -> &str {
        let default = || table::find(name).map_or("", |flag| flag.default);
        self.given.get(name).map_or_else(default, String::as_str)
    }

    pub(super) fn is_set(&self, name: &'static str) -> bool {
        self.get(name) == "true"
    }

    pub(super) fn is_given(&self, name: &'static str) -> bool {
        self.given.contains_key(name)
    }

    /// Flags that were given, want something, and can't have it; each with what to do instead.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let wanted = table::REFUSED.iter().filter(|flag| self.get(flag.name) != flag.default);
        wanted.map(|flag| (flag.name, flag.help))
    }

    /// Flags that were given and have no effect here.
    pub(super) fn without_effect(&self) -> impl Iterator<Item = &'static str> {
        self.given.keys().copied().filter(|name| table::find(name).is_some_and(|flag| !flag.has_effect))
    }
}

/// What Go takes for a boolean.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Values, FlagError> {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        match Values::read(table::find, arguments, variables)? {
            Asked::Serve(values) => Ok(values),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn takes_every_way_of_writing_and_the_last_counts() {
        let values =
            read(&["--name", "a", "-data-dir=d", "--name=b", "--pre-vote", "--client-cert-auth=0"], &[]).unwrap();
        assert_eq!((values.get("name"), values.get("data-dir")), ("b", "d"));
        assert!(values.is_set("pre-vote") && !values.is_set("client-cert-auth"));
        assert_eq!(values.get("heartbeat-interval"), "100");
    }

    #[test]
    fn a_variable_counts_less_than_a_flag() {
        let variables = [("ETCD_NAME", "v"), ("ETCD_DATA_DIR", "w"), ("ETCD_NONE", "x"), ("HOME", "/")];
        let values = read(&["--name=a"], &variables).unwrap();
        assert_eq!((values.get("name"), values.get("data-dir")), ("a", "w"));
        assert_eq!(values.unknown_variables, ["ETCD_NONE"]);
    }

    #[test]
    fn says_what_it_does_not_know() {
        assert_eq!(read(&["--nmae=a"], &[]).unwrap_err(), FlagError::Unknown("nmae".to_owned()));
        assert_eq!(read(&["--name"], &[]).unwrap_err(), FlagError::NoValue("name".to_owned()));
        assert_eq!(read(&["start"], &[]).unwrap_err(), FlagError::NotAFlag("start".to_owned()));
        let error = read(&["--pre-vote=perhaps"], &[]).unwrap_err();
        assert!(error.to_string().contains("-pre-vote"), "{error}");
    }
}
