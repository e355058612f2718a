//! Configuration from environment variables: read once into typed structs, all faults reported together.

mod caching;
mod common;
mod coordination;
mod databases;

use std::{
    collections::HashMap,
    fmt::{self, Display},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

pub use self::{
    caching::Caching,
    common::{Common, Http},
    coordination::Coordination,
    databases::Databases,
};

/// A text that must not be printed: its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A variable a program reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it holds when it isn't set; `None` where it must be set or may stay empty.
    pub default: Option<String>,
    /// What it is for.
    pub help: &'static str,
}

/// What is wrong with a configuration: every fault, not the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Faults(pub Vec<String>);

/// Looks a variable up by its name.
type Source = Box<dyn Fn(&str) -> Option<String>>;

/// Reads variables, and remembers what was read for `--help` and what was wrong.
pub struct Reader {
    source: Source,
    variables: Vec<Variable>,
    faults: Vec<String>,
}

impl Reader {
    /// Reads the process's environment.
    pub fn from_env() -> Self {
        Self::new(|name| std::env::var(name).ok())
    }

    /// Reads a map, for tests and for `--help`.
    pub fn from_map(map: HashMap<String, String>) -> Self {
        Self::new(move |name| map.get(name).cloned())
    }

    fn new(source: impl Fn(&str) -> Option<String> + 'static) -> Self {
        Self { source: Box::new(source), variables: Vec::new(), faults: Vec::new() }
    }

    /// A variable that must be set. `None` means a fault that [`Reader::finish`] reports.
    pub fn required<T>(&mut self, name: &'static str, help: &'static str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.variables.push(Variable { name, default: None, help });
        match self.set(name) {
            Some(text) => self.parse(name, &text),
            None => {
                self.faults.push(format!("{name} is not set: {help}"));
                None
            }
        }
    }

    /// A variable with a default.
    pub fn optional<T>(&mut self, name: &'static str, default: T, help: &'static str) -> T
    where
        T: FromStr<Err: Display> + Display,
    {
        self.variables.push(Variable { name, default: Some(default.to_string()), help });
        self.set(name).and_then(|text| self.parse(name, &text)).unwrap_or(default)
    }

    /// A number within bounds, with a default.
    pub fn within<T>(&mut self, name: &'static str, default: T, bounds: (T, T), help: &'static str) -> T
    where
        T: FromStr<Err: Display> + Display + PartialOrd + Copy,
    {
        let value = self.optional(name, default, help);
        let (least, most) = bounds;
        if value < least || value > most {
            self.faults.push(format!("{name}={value}: must be from {least} to {most}"));
            return default;
        }
        value
    }

    /// A duration in whole milliseconds within bounds, with a default.
    pub fn millis(
        &mut self,
        name: &'static str,
        default: Duration,
        bounds: &RangeInclusive<Duration>,
        help: &'static str,
    ) -> Duration {
        let millis = |duration: &Duration| duration.as_millis() as u64;
        Duration::from_millis(self.within(name, millis(&default), (millis(bounds.start()), millis(bounds.end())), help))
    }

    /// A secret that may be left out.
    pub fn secret(&mut self, name: &'static str, help: &'static str) -> Option<Secret> {
        self.variables.push(Variable { name, default: None, help });
        self.set(name).map(Secret)
    }

    /// A secret that must be set, such as a URL that holds a password.
    pub fn required_secret(&mut self, name: &'static str, help: &'static str) -> Option<Secret> {
        let secret = self.secret(name, help);
        if secret.is_none() {
            self.faults.push(format!("{name} is not set: {help}"));
        }
        secret
    }

    /// Adds a fault that only the values together show.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// The configuration, or every fault that was found.
    ///
    /// # Errors
    /// [`Faults`], never empty.
    pub fn finish<C>(mut self, config: Option<C>) -> Result<C, Faults> {
        match config {
            Some(config) if self.faults.is_empty() => Ok(config),
            _ => {
                if self.faults.is_empty() {
                    self.faults.push("the configuration is incomplete".to_owned());
                }
                Err(Faults(self.faults))
            }
        }
    }

    /// Every variable that was asked for.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// An empty variable counts as one that isn't set, as compose files have them.
    fn set(&self, name: &str) -> Option<String> {
        (self.source)(name).filter(|text| !text.is_empty())
    }

    fn parse<T: FromStr<Err: Display>>(&mut self, name: &str, text: &str) -> Option<T> {
        text.parse().map_err(|fault| self.faults.push(format!("{name}={text}: {fault}"))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(pairs: &[(&str, &str)]) -> Reader {
        Reader::from_map(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn every_fault_is_reported_with_its_variable() {
        let mut env = reader(&[("A", "x"), ("C", "99")]);
        let a = env.optional("A", 1u16, "a number");
        let b = env.required::<u16>("B", "another");
        let c = env.within("C", 5u16, (1, 10), "a small one");
        let faults = env.finish(b.map(|b| (a, b, c))).unwrap_err();
        assert_eq!(faults.0.len(), 3, "{faults}");
        assert!(faults.0[0].starts_with("A=x: "), "{faults}");
        assert_eq!(faults.0[1], "B is not set: another");
        assert_eq!(faults.0[2], "C=99: must be from 1 to 10");
    }

    #[test]
    fn a_secret_is_never_printed() {
        let mut env = reader(&[("TOKEN", "hush")]);
        let token = env.secret("TOKEN", "a token");
        assert!(!format!("{token:?}").contains("hush"));
        assert_eq!(token.unwrap().expose(), "hush");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(reader(&[("A", "")]).optional("A", 7u8, ""), 7);
    }
}
