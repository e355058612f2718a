//! What of locking is set while it runs.

use std::{fmt, str::FromStr, time::Duration};

use coordination::settings::{Choice, DefineError, Definitions, Milliseconds, Setting};
use locks::Strategy;

use super::config::{Config, PATIENCE_RANGE};
use crate::SERVICE;

/// What to do where no lock is to be had, because Redis or the coordinators don't answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenGone {
    /// Lock rows in the database instead, unless others may store without looking (the strategies `none`, `redis` and
    /// `redlock`).
    #[default]
    Database,
    /// Wait until one is to be had.
    Wait,
}

const WORDS: &[(&str, WhenGone)] = &[("database", WhenGone::Database), ("wait", WhenGone::Wait)];

/// A word that says nothing about what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not what can be done: database or wait")]
pub struct NoWhenGone(String);

impl WhenGone {
    fn word(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Wait => "wait",
        }
    }
}

impl FromStr for WhenGone {
    type Err = NoWhenGone;

    fn from_str(text: &str) -> Result<Self, NoWhenGone> {
        let found = WORDS.iter().find(|(word, _)| *word == text);
        found.map(|(_, meant)| *meant).ok_or_else(|| NoWhenGone(text.to_owned()))
    }
}

impl fmt::Display for WhenGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The live settings of locking.
#[derive(Debug, Clone)]
pub struct Settings {
    /// By which strategy.
    pub strategy: Setting<Strategy>,
    /// See [`Config::when_gone`].
    pub when_gone: Setting<WhenGone>,
    /// See [`Config::patience`].
    pub patience: Setting<Duration>,
}

impl Settings {
    /// Defines all of them.
    ///
    /// # Errors
    /// One is defined already, or a configured value is out of its range.
    pub fn define(definitions: &mut Definitions, config: &Config) -> Result<Self, DefineError> {
        let strategy = Choice { default: config.strategy.word(), ..Strategy::setting() };
        let when_gone = Choice { default: config.when_gone.word(), words: WORDS };
        let patience = Milliseconds { default: config.patience, range: PATIENCE_RANGE };
        Ok(Self {
            strategy: definitions.define(
                SERVICE.join("locks.strategy"),
                strategy,
                "",
                "How stock is locked; a change takes hold when all instances have given back what they hold",
            )?,
            when_gone: definitions.define(
                SERVICE.join("locks.when_gone"),
                when_gone,
                "",
                "What to do when Redis or the coordinators are gone: lock rows where that is safe, or wait",
            )?,
            patience: definitions.define(
                SERVICE.join("locks.patience_ms"),
                patience,
                "ms",
                "How long a lock is waited for before a batch is tried again, or a request answered with 503",
            )?,
        })
    }
}
