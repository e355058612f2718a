//! The program from its flags to its end.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use serde::Serialize;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

use crate::{
    config::Config,
    http::Server,
    journal::{Journal, JournalError},
    otlp::{Grpc, Http, Receiver},
    query::Endpoint,
    store::Store,
    wire::Batch,
};

/// How long requests that are being taken have when the program is told to end.
const DRAIN: Duration = Duration::from_secs(5);

/// Why the program can't run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// An address can't be listened at.
    #[error("cannot listen at {address}, which --{flag} says: {source}")]
    Listen {
        /// Which flag's.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The file can't be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Signals can't be received.
    #[error("cannot receive signals: {0}")]
    Signals(#[source] io::Error),
}

/// Where the program listens: one line of JSON on its output, once it does.
#[derive(Clone, Copy, Debug, Serialize)]
struct Addresses {
    otlp_grpc: SocketAddr,
    otlp_http: SocketAddr,
    query: SocketAddr,
}

/// Runs until a signal comes.
///
/// # Errors
/// See [`AppError`].
pub async fn run(config: Config) -> Result<(), AppError> {
    let mut signals = Signals::new().map_err(AppError::Signals)?;
    let otlp_grpc = bind("otlp-grpc", config.otlp_grpc).await?;
    let otlp_http = bind("otlp-http", config.otlp_http).await?;
    let query = bind("query", config.query).await?;
    let writers = std::thread::available_parallelism().map_or(1, usize::from);
    let store = Arc::new(Store::new(config.memory, writers));
    let journal = open_journal(&config, &store)?;
    let receiver = Arc::new(Receiver::new(Arc::clone(&store), journal, config.bounds, config.backlog));

    let addresses = Addresses { otlp_grpc: otlp_grpc.1, otlp_http: otlp_http.1, query: query.1 };
    let (stop, stopping) = watch::channel(false);
    let mut served = JoinSet::new();
    let server = |listener| Server::new(listener, config.connections);
    served.spawn(server(otlp_grpc.0).serve(Grpc(Arc::clone(&receiver)), stopping.clone()));
    served.spawn(server(otlp_http.0).serve(Http(Arc::clone(&receiver)), stopping.clone()));
    served.spawn(server(query.0).serve(Endpoint::new(receiver, store), stopping));
    println!("{}", serde_json::to_string(&addresses).unwrap_or_default());
    tracing::info!(?addresses, memory = config.memory, "taking traces");

    let signal = signals.next().await;
    tracing::info!(signal, "ending");
    stop.send_replace(true);
    let drained = async { while served.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::info!("closing connections that did not end by themselves");
    }
    Ok(())
}

async fn bind(flag: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), AppError> {
    let failed = |source| AppError::Listen { flag, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// Spans of the file are kept as if they came now; the bound holds for them as well.
fn open_journal(config: &Config, store: &Store) -> Result<Option<Journal>, AppError> {
    let Some(path) = &config.file else { return Ok(None) };
    let (journal, loaded) = Journal::open(path, config.file_size, |request| {
        // What was written was read before; limits may have become narrower since.
        if let Ok(batch) = Batch::read(request, &config.bounds.limits) {
            store.add(&batch);
        }
    })?;
    let state = store.state();
    tracing::info!(requests = loaded.requests, torn_bytes = loaded.torn_bytes, spans = state.spans, "read the file");
    Ok(Some(journal))
}

/// The signals that end the program.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "terminated",
            _ = self.interrupt.recv() => "interrupt",
        }
    }
}
