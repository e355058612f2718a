//! The trace store: where spans go, and where they are looked at, when nobody has named another place.

mod jaeger;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    install::{self, JAEGER_VERSION, Jaeger, JaegerError},
    ports::{Lease, Taken},
    process::Spec,
    servers::{Ports, site::Site},
    shop::{Action, Observer, Step},
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
/// The path at which the embedded store answers 200 when it takes spans.
const READY: &str = "/readyz";
/// What is told before Jaeger is built; measured on two cores with nothing fetched before.
const BUILDING: &str = "from its Go module, 4 minutes or more, once";

/// Which program stores the traces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Plumbline's own.
    #[default]
    Embedded,
    /// Jaeger, of version 2: one that is there, else built by Go.
    Jaeger,
}

/// The trace store could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its program isn't there.
    #[error("the program {} is missing; `cargo build --workspace --bins` makes it", .0.display())]
    Program(PathBuf),
    /// One of its ports is taken.
    #[error("{NAME} can't start: {0}. --port-offset N moves all ports, --traces environment does without it")]
    Port(#[source] Taken),
    /// There is no Jaeger to start.
    #[error(transparent)]
    Jaeger(#[from] JaegerError),
    /// The page that is shown in place of Jaeger's can't be written.
    #[error("{NAME}: the page {} can't be written: {source}", .folder.display())]
    Page {
        /// Its folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The offset takes one of its ports beyond 65535.
    #[error("{NAME}: a port moved up by {0} lies beyond 65535")]
    Offset(u16),
    /// No port is free.
    #[error("{NAME}: no port can be taken: {0}")]
    NoPort(#[source] std::io::Error),
}

/// A program to start as the store.
#[derive(Debug)]
pub(crate) enum Program {
    Embedded(PathBuf),
    Jaeger(Jaeger),
}

impl Program {
    /// Finds the program, or has it built; what it is, and takes time, is told.
    pub(crate) async fn find(kind: Kind, programs: &Path, observer: &Observer) -> Result<Self, StartError> {
        match kind {
            Kind::Embedded => {
                let program = programs.join(PROGRAM);
                if program.is_file() { Ok(Self::Embedded(program)) } else { Err(StartError::Program(program)) }
            }
            Kind::Jaeger => {
                let tell = |action, took, detail| {
                    observer(Step { part: "jaeger".to_owned(), action, took, detail });
                };
                let begin = std::time::Instant::now();
                let building =
                    || tell(Action::Building, Duration::ZERO, format!("version {JAEGER_VERSION} {BUILDING}"));
                let jaeger = install::jaeger(building).await?;
                tell(Action::Installed, begin.elapsed(), jaeger::described(&jaeger));
                Ok(Self::Jaeger(jaeger))
            }
        }
    }
}

/// The store to start, any number of times, always on the same ports.
#[derive(Debug)]
pub(crate) struct Store {
    program: Program,
    log: PathBuf,
    /// Where the page stands that is shown in place of Jaeger's, where that is missing.
    page: Option<PathBuf>,
    query: Lease,
    grpc: Lease,
    http: Lease,
}

impl Store {
    /// Takes its ports, and writes what it needs into the site's folder.
    pub(crate) fn new(program: Program, ports: Ports, site: &Site) -> Result<Self, StartError> {
        let take = |port: u16| match ports {
            Ports::Free => Lease::take_any().map_err(StartError::NoPort),
            Ports::Fixed { offset } => {
                let port = port.checked_add(offset).ok_or(StartError::Offset(offset))?;
                Lease::take(port).map_err(StartError::Port)
            }
        };
        let log = site.log_named(NAME);
        let page = matches!(&program, Program::Jaeger(jaeger) if jaeger.built).then(|| site.traces_page());
        if let Some(folder) = &page {
            jaeger::write_page(folder).map_err(|source| StartError::Page { folder: folder.clone(), source })?;
        }
        Ok(Self { program, log, page, query: take(QUERY)?, grpc: take(GRPC)?, http: take(HTTP)? })
    }

    /// Where it answers queries and shows its page.
    pub(crate) fn address(&self) -> SocketAddr {
        self.query.address()
    }

    /// The path that answers 200 when it is ready.
    pub(crate) fn question(&self) -> &'static str {
        match self.program {
            Program::Embedded(_) => READY,
            Program::Jaeger(_) => jaeger::READY,
        }
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
        match &self.program {
            Program::Embedded(program) => {
                let flags = [("--query", &self.query), ("--otlp-grpc", &self.grpc), ("--otlp-http", &self.http)];
                let flags = flags.map(|(flag, port)| [flag.to_owned(), port.address().to_string()]);
                Spec { args: flags.into_iter().flatten().collect(), ..Spec::new(NAME, program, &self.log) }
            }
            Program::Jaeger(jaeger) => {
                let ports = [("JAEGER_QUERY", &self.query), ("JAEGER_GRPC", &self.grpc), ("JAEGER_HTTP", &self.http)];
                let ports = ports.map(|(name, port)| (name.to_owned(), port.address().to_string()));
                let env = jaeger::variables(self.page.as_ref()).into_iter().chain(ports).collect();
                let args = vec!["--config=env:JAEGER_CONFIG".to_owned()];
                Spec { args, env, ..Spec::new(NAME, &jaeger.program, &self.log) }
            }
        }
    }
}
