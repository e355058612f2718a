//! The embedded trace store: where spans go, and where they are looked at, when nobody has named another place.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::{
    ports::{Lease, Taken},
    process::Spec,
    servers::Ports,
};

/// Its program, which stands beside those of the services.
const PROGRAM: &str = "plumbline-traces";
/// What people call it.
pub(crate) const NAME: &str = "traces";
/// Where it answers queries and shows its page, before any offset: Jaeger's port.
const QUERY: u16 = 16686;
/// Where it takes spans over gRPC: OTLP's port.
const GRPC: u16 = 4317;
/// Where it takes spans over HTTP: OTLP's port.
const HTTP: u16 = 4318;
/// The path that answers 200 when it takes spans.
pub(crate) const READY: &str = "/readyz";

/// The trace store could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its program isn't there.
    #[error("the program {} is missing; `cargo build --workspace --bins` makes it", .0.display())]
    Program(PathBuf),
    /// One of its ports is taken.
    #[error("{NAME} can't start: {0}. --port-offset N moves all ports, --traces environment does without it")]
    Port(#[source] Taken),
    /// The offset takes one of its ports beyond 65535.
    #[error("{NAME}: a port moved up by {0} lies beyond 65535")]
    Offset(u16),
    /// No port is free.
    #[error("{NAME}: no port can be taken: {0}")]
    NoPort(#[source] std::io::Error),
}

/// The store to start, any number of times, always on the same ports.
#[derive(Debug)]
pub(crate) struct Store {
    program: PathBuf,
    log: PathBuf,
    query: Lease,
    grpc: Lease,
    http: Lease,
}

impl Store {
    /// Takes its ports.
    pub(crate) fn new(programs: &Path, ports: Ports, log: PathBuf) -> Result<Self, StartError> {
        let program = programs.join(PROGRAM);
        if !program.is_file() {
            return Err(StartError::Program(program));
        }
        let take = |port: u16| match ports {
            Ports::Free => Lease::take_any().map_err(StartError::NoPort),
            Ports::Fixed { offset } => {
                let port = port.checked_add(offset).ok_or(StartError::Offset(offset))?;
                Lease::take(port).map_err(StartError::Port)
            }
        };
        Ok(Self { program, log, query: take(QUERY)?, grpc: take(GRPC)?, http: take(HTTP)? })
    }

    /// Where it answers queries and shows its page.
    pub(crate) fn address(&self) -> SocketAddr {
        self.query.address()
    }

    /// Where spans are sent, as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` has it.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.grpc.address())
    }

    /// Its ports, to keep for as long as it may be started again.
    pub(crate) fn into_ports(self) -> Vec<Lease> {
        vec![self.query, self.grpc, self.http]
    }

    pub(crate) fn spec(&self) -> Spec {
        let flags = [("--query", &self.query), ("--otlp-grpc", &self.grpc), ("--otlp-http", &self.http)];
        let flags = flags.map(|(flag, port)| [flag.to_owned(), port.address().to_string()]);
        Spec { args: flags.into_iter().flatten().collect(), ..Spec::new(NAME, &self.program, &self.log) }
    }
}
