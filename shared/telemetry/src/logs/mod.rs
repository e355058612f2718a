//! Logs: lines on standard error, for people or for machines, and records that are sent by OTLP. Both name the trace that
//! an event belongs to: the one in its field `trace`, else that of the [scope](crate::context::in_scope).

mod lines;
mod records;
mod trace;

use std::{fmt, str::FromStr, sync::Arc};

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

pub use self::records::Records;
use crate::export::Queue;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people: coloured where standard error is a terminal.
    #[default]
    Pretty,
    /// For machines: a JSON object a line.
    Json,
}

/// Text that is no [`Format`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be pretty or json")]
pub struct InvalidFormat;

impl FromStr for Format {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err(InvalidFormat),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}

/// Which log lines are written, in the syntax of tracing's `EnvFilter`: `info`, or `info,order=debug,sqlx=warn`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(String);

impl Default for Filter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

/// Text that is no [`Filter`].
#[derive(Debug, thiserror::Error)]
#[error("must be a filter such as info, or info,order=debug: {0}")]
pub struct InvalidFilter(#[from] tracing_subscriber::filter::ParseError);

impl FromStr for Filter {
    type Err = InvalidFilter;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<EnvFilter>()?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Starts logging: as lines, and by OTLP where there is a queue for it. Where the process logs already, as in tests that
/// start several services, that stays.
pub(crate) fn start(format: Format, filter: &Filter, records: Option<Arc<Queue>>) {
    let filter = EnvFilter::new(&filter.0);
    let lines = tracing_subscriber::registry().with(filter).with(lines::layer(format));
    // An error here means only that a subscriber is installed.
    let _ = lines.with(records.map(Records::new)).try_init();
}
