//! One member from its flags to its end.

use std::{io, sync::Arc, time::Duration};

use consensus::node;
use futures::FutureExt as _;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};

use crate::{
    bootstrap::{self, BootstrapError, Ready},
    config::Config,
    engine::{self, Engine, EngineError, Limits, Parts, Running},
    grpc,
    http::{self, Endpoints, Listener, PROTOCOLS},
    peers::{self, Listening, Tls},
    tls::TlsError,
    urls::Url,
    version,
};

/// How long handing over the leadership may take when this member ends.
const RESIGN: Duration = Duration::from_millis(500);
/// How long what clients have begun may take when this member ends.
const DRAIN: Duration = Duration::from_millis(500);
/// How long a removed member stays, so that whoever removed it through it gets the answer.
const AFTER_REMOVAL: Duration = Duration::from_secs(1);
/// What etcd adds to two election timeouts to come to a request's.
const REQUEST: Duration = Duration::from_secs(5);

/// Why a member ended otherwise than it was told to.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// It could not find out who it is.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// It could not start, or go on.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Certificates can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// An address can't be used.
    #[error("listen tcp {url}: {source}: is another process there, or is it no address of this machine?")]
    Listen {
        /// The address.
        url: Url,
        /// What the system said.
        source: io::Error,
    },
    /// Signals can't be received.
    #[error("cannot receive signals: {0}")]
    Signals(#[source] io::Error),
}

/// Runs a member until it is told to end, is removed, or can't go on.
///
/// # Errors
/// See [`AppError`].
pub async fn run(config: Config) -> Result<(), AppError> {
    let mut signals = Signals::new().map_err(AppError::Signals)?;
    for flag in &config.without_effect {
        tracing::warn!(flag, "given, and without effect here");
    }
    let tls = peer_tls(&config)?;
    let peers = bind(&config.listen_peer_urls).await?;
    let clients = bind(&config.listen_client_urls).await?;
    let monitoring = bind(&config.listen_metrics_urls).await?;
    let ready = bootstrap::prepare(&config, tls.as_ref()).await?;
    let mut running = start(&config, ready, tls.clone())?;
    let engine = running.engine().clone();
    let mut served = JoinSet::new();
    for (url, listener) in peers {
        let (data, version) = (config.data_dir.clone(), version::json().into());
        let tls = tls.clone().filter(|_| url.secure);
        let listening = Listening { engine: engine.clone(), data, tls, version };
        served.spawn(peers::serve(listener, listening));
    }
    serve_http(&config, &engine, monitoring, &mut served)?;
    served.spawn(serve_clients(config.clone(), engine.clone(), clients)?);
    if let Some(retention) = config.auto_compaction {
        served.spawn(engine::compact_automatically(engine.clone(), retention));
    }
    tokio::select! {
        ended = running.ended() => return Ok(ended?),
        signal = signals.next() => {
            tracing::info!(signal, "received signal; shutting down");
            if let Err(error) = engine.resign(RESIGN).await {
                tracing::warn!(%error, "leadership transfer failed");
            }
        }
        () = engine.removed() => {
            tracing::warn!("the local member has been permanently removed from the cluster; the data-dir used by this member must be removed so that this host can be given a new one");
            tokio::time::sleep(AFTER_REMOVAL).await;
        }
    }
    engine.begin_stop();
    let drained = async { while served.join_next().await.is_some() {} };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::info!("closing connections that did not end by themselves");
    }
    served.abort_all();
    running.stop().await?;
    tracing::info!("closed etcd server");
    Ok(())
}

fn start(config: &Config, ready: Ready, tls: Option<Tls>) -> Result<Running, AppError> {
    let Ready { identity, boot, recovered, log } = ready;
    tracing::info!(
        name = identity.name,
        "data-dir" = %config.data_dir.display(),
        "local-member-id" = %format_args!("{:x}", identity.member_id),
        "cluster-id" = %format_args!("{:x}", identity.cluster_id),
        "etcd-version" = version::ETCD,
        "starting coordinator, which speaks etcd's API"
    );
    let heartbeat_ticks = heartbeat_ticks(config.heartbeat_interval);
    let tick = config.heartbeat_interval / heartbeat_ticks;
    let ticks = config.election_timeout.as_nanos() / tick.as_nanos();
    let node = node::Config {
        id: identity.member_id,
        cluster_id: identity.cluster_id,
        boot,
        election_ticks: usize::try_from(ticks).unwrap_or(usize::MAX),
        heartbeat_ticks: heartbeat_ticks as usize,
        snapshot_entries: config.snapshot_count,
        snapshot_bytes: 64 << 20,
        catch_up_entries: config.snapshot_catchup_entries,
        tail_bytes: 4 << 20,
        message_bytes: 512 << 10,
        batch_bytes: 1 << 20,
        seed: rand::random(),
    };
    let limits = Limits {
        max_request_bytes: config.max_request_bytes,
        max_txn_ops: config.max_txn_ops,
        quota_bytes: config.quota_backend_bytes,
        request_timeout: REQUEST + 2 * config.election_timeout,
        election_timeout: config.election_timeout,
        strict_reconfiguration: config.strict_reconfig_check,
    };
    let data = config.data_dir.clone();
    Ok(Engine::start(Parts { identity, limits, config: node, tick, recovered, log, data, tls })?)
}

/// Ticks of a heartbeat: ten, unless they would be shorter than 10 ms. The more, the rarer do two members ask for votes at
/// once; each wakes an idle member up.
fn heartbeat_ticks(heartbeat: Duration) -> u32 {
    (heartbeat.as_millis() / 10).clamp(1, 10) as u32
}

/// Clients are served once this member has told the others where: then it has a leader, and has caught up with it.
fn serve_clients(
    config: Config,
    engine: Engine,
    listeners: Vec<(Url, TcpListener)>,
) -> Result<impl Future<Output = ()> + Send + 'static, AppError> {
    let urls = config.advertise_client_urls.iter().map(|url| url.as_str().to_owned()).collect();
    let mut serving = JoinSet::new();
    let tls = config.client_tls.server(&PROTOCOLS)?;
    Ok(async move {
        if !engine::publish(&engine, urls).await {
            return;
        }
        // A lease outlives an election: half as long again, in whole seconds.
        let min_lease_ttl = (3 * config.election_timeout).div_f64(2.0).as_secs_f64().ceil() as i64;
        let options = grpc::Options { min_lease_ttl, watch_progress_interval: config.watch_progress_interval };
        tracing::info!("ready to serve client requests");
        let grpc = grpc::routes(engine.clone(), options);
        for (url, listener) in listeners {
            if url.secure {
                tracing::info!(address = %url, "serving client traffic securely");
            } else {
                tracing::warn!(
                    address = %url,
                    "serving client traffic insecurely; this is strongly discouraged!"
                );
            }
            let listener = Listener::new(listener, tls.clone().filter(|_| url.secure));
            let endpoints = Arc::new(Endpoints::new(engine.clone()));
            serving.spawn(listener.serve(Some(grpc.clone()), endpoints, engine.stopping().shared()));
        }
        while serving.join_next().await.is_some() {}
    })
}

fn serve_http(
    config: &Config,
    engine: &Engine,
    listeners: Vec<(Url, TcpListener)>,
    served: &mut JoinSet<()>,
) -> Result<(), AppError> {
    let tls = config.client_tls.server(&PROTOCOLS)?;
    for (url, listener) in listeners {
        let listener = Listener::new(listener, tls.clone().filter(|_| url.secure));
        let endpoints = Arc::new(Endpoints::new(engine.clone()));
        served.spawn(listener.serve(None, endpoints, engine.stopping().shared()));
    }
    Ok(())
}

fn peer_tls(config: &Config) -> Result<Option<Tls>, AppError> {
    let server = config.peer_tls.server(&[])?;
    Ok(config.peer_tls.client()?.map(|client| Tls::new(client, server)))
}

async fn bind(urls: &[Url]) -> Result<Vec<(Url, TcpListener)>, AppError> {
    let mut listeners = Vec::new();
    for url in urls {
        let listener = http::bind(url).await.map_err(|source| AppError::Listen { url: url.clone(), source })?;
        listeners.push((url.clone(), listener));
    }
    Ok(listeners)
}

/// The signals that end a member.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// A file that may not grow (`ulimit -f`) is met by the write's own error, as a full disk is. Who doesn't catch the
    /// signal is ended by it.
    _file_size: tokio::signal::unix::Signal,
}

/// Linux's number on all processors that this is built for.
const SIGXFSZ: i32 = 25;

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _file_size: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "terminated",
            _ = self.interrupt.recv() => "interrupt",
        }
    }
}
