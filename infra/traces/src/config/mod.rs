//! What the program is told: flags, and variables where flags are not given.

mod flags;
mod table;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

pub use self::flags::FlagError;
use self::flags::{Asked, Values};
use crate::wire::Limits;

/// What a command line comes to.
#[derive(Debug)]
pub enum Command {
    /// Take traces and answer.
    Serve(Box<Config>),
    /// Print a text and end.
    Print(String),
}

/// How the program runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where OTLP comes in by gRPC.
    pub otlp_grpc: SocketAddr,
    /// Where OTLP comes in by HTTP.
    pub otlp_http: SocketAddr,
    /// Where the query API and the page are.
    pub query: SocketAddr,
    /// Bytes of memory for spans.
    pub memory: usize,
    /// Where requests are kept for the next start.
    pub file: Option<PathBuf>,
    /// Bytes of both of its files.
    pub file_size: u64,
    /// Bytes of requests that are being taken at once.
    pub backlog: usize,
    /// Connections to each port.
    pub connections: usize,
    /// Of requests.
    pub bounds: Bounds,
    /// What is logged, as `tracing`'s filters say it.
    pub log: String,
}

/// What a request may be like.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes as they arrive.
    pub request: usize,
    /// Bytes once they are unpacked.
    pub unpacked: usize,
    /// How long a client may take to send them.
    pub patience: Duration,
    /// Of spans.
    pub limits: Limits,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line can't be read.
    #[error("{0}. See 'plumbline-traces --help'.")]
    Flags(#[from] FlagError),
    /// Values make no sense: all of those.
    #[error("{}", .0.join("\n"))]
    Faults(Vec<String>),
}

impl Command {
    /// Reads a command line, without the program's name, and the environment.
    ///
    /// # Errors
    /// Every fault of the values together; or the first thing that can't be read at all.
    pub fn read(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        match Values::read(arguments, variable)? {
            Asked::Help => Ok(Self::Print(table::help())),
            Asked::Version => Ok(Self::Print(format!("plumbline-traces {}\n", env!("CARGO_PKG_VERSION")))),
            Asked::Serve(values) => Config::new(&values).map(|config| Self::Serve(Box::new(config))),
        }
    }
}

impl Config {
    fn new(values: &Values) -> Result<Self, ConfigError> {
        let mut faults = Faults { values, faults: Vec::new() };
        let config = Self {
            otlp_grpc: faults.parsed("otlp-grpc", "give an address and a port, such as 127.0.0.1:4317"),
            otlp_http: faults.parsed("otlp-http", "give an address and a port, such as 127.0.0.1:4318"),
            query: faults.parsed("query", "give an address and a port, such as 127.0.0.1:16686"),
            memory: faults.bytes("memory", 1 << 20) as usize,
            file: Some(values.get("file")).filter(|path| !path.is_empty()).map(PathBuf::from),
            file_size: faults.bytes("file-size", 1 << 20),
            backlog: faults.bytes("backlog", 1 << 10) as usize,
            connections: faults.number("connections", 1),
            bounds: Bounds {
                request: faults.bytes("max-request", 1 << 10) as usize,
                unpacked: faults.bytes("max-unpacked", 1 << 10) as usize,
                patience: Duration::from_secs(faults.number("request-timeout", 1) as u64),
                limits: Limits {
                    attributes: faults.number("max-attributes", 1),
                    depth: faults.number("max-depth", 1),
                    text: faults.bytes("max-text", 16) as usize,
                },
            },
            log: values.get("log").to_owned(),
        };
        let largest = config.bounds.request.max(config.bounds.unpacked) as u64;
        if config.file.is_some() && config.file_size < 2 * (largest + 8) {
            faults.add("file-size", "has to hold two of the largest requests: see max-request and max-unpacked");
        }
        if config.bounds.limits.depth > 64 {
            faults.add("max-depth", "may be 64 at most");
        }
        if config.log.parse::<tracing_subscriber::EnvFilter>().is_err() {
            faults.add("log", "give off, error, warn, info, debug, or a filter such as info,traces=debug");
        }
        if faults.faults.is_empty() { Ok(config) } else { Err(ConfigError::Faults(faults.faults)) }
    }
}

/// Reads values, and gathers what is wrong with them.
struct Faults<'v> {
    values: &'v Values,
    faults: Vec<String>,
}

impl Faults<'_> {
    fn add(&mut self, flag: &'static str, fault: &str) {
        self.faults.push(format!("--{flag} is {:?}: {fault}", self.values.get(flag)));
    }

    /// Any value will do where there is a fault: there won't be a configuration.
    fn parsed(&mut self, flag: &'static str, help: &str) -> SocketAddr {
        self.values.get(flag).parse().unwrap_or_else(|_| {
            self.add(flag, help);
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    fn number(&mut self, flag: &'static str, least: usize) -> usize {
        match self.values.get(flag).parse() {
            Ok(number) if number >= least => number,
            _ => {
                self.add(flag, &format!("give a whole number of at least {least}"));
                least
            }
        }
    }

    fn bytes(&mut self, flag: &'static str, least: u64) -> u64 {
        match bytes(self.values.get(flag)) {
            Some(bytes) if bytes >= least => bytes,
            _ => {
                self.add(flag, &format!("give a number of bytes such as 64MiB, {least} at least"));
                least
            }
        }
    }
}

/// `1000`, `64KiB`, `256MiB`, `1GiB`; a space may stand between.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "kib" => 10,
        "mib" => 20,
        "gib" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string());
        match Command::read(arguments.iter().map(ToString::to_string), variable)? {
            Command::Serve(config) => Ok(*config),
            Command::Print(text) => panic!("{text}"),
        }
    }

    #[test]
    fn defaults_are_those_of_the_protocols() {
        let config = read(&[], &[]).unwrap();
        assert_eq!(config.otlp_grpc.to_string(), "127.0.0.1:4317");
        assert_eq!(config.query.to_string(), "127.0.0.1:16686");
        assert_eq!((config.memory, config.bounds.request, config.file), (256 << 20, 4 << 20, None));
    }

    #[test]
    fn a_flag_counts_more_than_a_variable() {
        let variables = [("PLUMBLINE_TRACES_MEMORY", "8MiB"), ("PLUMBLINE_TRACES_OTLP_GRPC", "127.0.0.1:1")];
        let config = read(&["--memory=16 MiB", "--file", "spans"], &variables).unwrap();
        assert_eq!((config.memory, config.otlp_grpc.port()), (16 << 20, 1));
        assert_eq!(config.file, Some("spans".into()));
    }

    #[test]
    fn every_fault_is_told() {
        let error = read(&["--memory=much", "--query=here", "--max-depth=0", "--log=x=y=z"], &[]).unwrap_err();
        let text = error.to_string();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.contains("--memory is \"much\"") && text.contains("--query is \"here\""), "{text}");
        assert!(read(&["--file=f", "--file-size=1MiB"], &[]).is_err());
    }
}
