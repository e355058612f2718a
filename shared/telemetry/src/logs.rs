//! Logs: lines on standard error, for people or for machines.

use std::{fmt, str::FromStr};

use tracing_subscriber::{EnvFilter, Layer, Registry, fmt::layer, layer::SubscriberExt, util::SubscriberInitExt};

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

/// Starts logging. Where the process logs already, as in tests that start several services, that stays.
pub(crate) fn start(format: Format, filter: &Filter) {
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        Format::Pretty => {
            let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            layer().with_writer(std::io::stderr).with_ansi(terminal).boxed()
        }
        Format::Json => layer().with_writer(std::io::stderr).json().flatten_event(true).boxed(),
    };
    let filter = EnvFilter::new(&filter.0);
    // An error here means only that a subscriber is installed.
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
}
