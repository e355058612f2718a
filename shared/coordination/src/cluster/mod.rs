//! The coordinators as one.

mod call;
mod config;
mod endpoints;
mod error;

use std::{sync::Arc, time::Duration};

use etcd_client::{Client, GetOptions, GetResponse, PutOptions, PutResponse, Txn, TxnResponse};
use telemetry::context::TraceContext;
use tokio::{
    sync::watch,
    time::{Instant, timeout, timeout_at},
};

pub(crate) use self::endpoints::Chosen;
use self::{
    call::{Call, Telling},
    endpoints::Endpoints,
};
pub use self::{
    config::{Config, ConfigError},
    error::{CallError, Fault},
};
use crate::{Name, backoff::Backoff, metric_definitions::METRICS};

/// See [`Cluster::parting`].
const PARTING: Duration = Duration::from_secs(2);

/// The coordinators of a shop. Clones are the same cluster.
///
/// Making one reaches for nobody, and nothing here ends a service when no coordinator answers: a connection is made by the
/// first request and again after it broke. Requests go to one coordinator until it fails, then to the next; when all have
/// failed in turn there is a pause (exponential backoff, full jitter).
///
/// Each operation is a span, with all its attempts: of a trace of its own, or [`below`](Self::below) what caused it. What only
/// listens, a watch, has none, and a keep-alive has one only where it fails.
#[derive(Debug, Clone)]
pub struct Cluster(Arc<Inner>, Telling);

#[derive(Debug)]
struct Inner {
    config: Config,
    endpoints: Endpoints,
}

impl Cluster {
    /// A cluster that is not yet reached for.
    ///
    /// # Errors
    /// An endpoint is no address, there is none, or the prefix can't stand before keys.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.check()?;
        let endpoints = Endpoints::new(&config);
        Ok(Self(Arc::new(Inner { config, endpoints }), Telling::default()))
    }

    /// The same cluster, whose operations' spans belong under this one.
    pub fn below(&self, trace: impl Into<Option<TraceContext>>) -> Self {
        Self(Arc::clone(&self.0), Telling { below: trace.into(), ..self.1 })
    }

    /// The same cluster for what is done over and over: operations have a span only where they fail or are slow.
    pub(crate) fn quietly(&self) -> Self {
        Self(Arc::clone(&self.0), Telling { quiet: true, ..self.1 })
    }

    /// How it is reached.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether the last that was heard of the coordinators was an answer, to look at or to wait for.
    pub fn connected(&self) -> watch::Receiver<bool> {
        self.0.endpoints.connected()
    }

    /// How long to wait at most for what is given back at an orderly end: 2 s, or not at all while no coordinator answers,
    /// as leases end by themselves.
    pub fn parting(&self) -> Duration {
        if *self.0.endpoints.connected().borrow() { PARTING } else { Duration::ZERO }
    }

    /// The endpoint that is asked at present.
    pub fn endpoint(&self) -> &str {
        &self.0.config.endpoints[*self.0.endpoints.current().borrow()]
    }

    /// A key of this shop: the parts behind the prefix, with `/` between them.
    pub(crate) fn key(&self, kind: &str, name: &Name, rest: &str) -> String {
        format!("{}/{kind}/{name}{rest}", self.0.config.prefix)
    }

    /// What all keys of a kind begin with.
    pub(crate) fn keys(&self, kind: &str) -> String {
        format!("{}/{kind}/", self.0.config.prefix)
    }

    /// Attempts something until it works, is refused, or patience is over.
    ///
    /// An attempt that failed may have been carried out. So whatever is attempted must be safe to repeat, and everything
    /// in this crate is made so: reads, writes of the same value, and transactions that see their own traces.
    ///
    /// `method` is its name in gRPC, for its span.
    ///
    /// # Errors
    /// Refused, or never answered.
    pub(crate) async fn call<T, F: Future<Output = Result<T, etcd_client::Error>>>(
        &self,
        method: &'static str,
        attempt: impl Fn(Client) -> F,
    ) -> Result<T, CallError> {
        let call = Call::begin(method, self.1);
        let mut tried = Tried::default();
        let outcome = self.attempt(attempt, &mut tried).await;
        let endpoint = tried.last.map(|number| self.0.config.endpoints[number].as_str());
        call.end(endpoint, tried.attempts, &outcome);
        outcome
    }

    async fn attempt<T, F: Future<Output = Result<T, etcd_client::Error>>>(
        &self,
        attempt: impl Fn(Client) -> F,
        tried: &mut Tried,
    ) -> Result<T, CallError> {
        let patience = self.0.config.patience;
        let deadline = Instant::now() + patience;
        let mut backoff = Backoff::default();
        loop {
            tried.attempts = tried.attempts.wrapping_add(1);
            let chosen = self.choose().await.map_err(CallError::Refused)?;
            tried.last = Some(chosen.number);
            let source = match self.bounded(chosen.number, attempt(chosen.client)).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::Refused(error)) => return Err(CallError::Refused(error)),
                Err(Failed::Passing(fault)) => fault,
            };
            // Each has had its turn.
            if tried.attempts.is_multiple_of(self.0.endpoints.count()) {
                let _ = timeout_at(deadline, backoff.wait()).await;
            }
            if Instant::now() >= deadline {
                return Err(CallError::Unavailable { patience, source });
            }
            METRICS.retries.add(1, &[]);
        }
    }

    /// The coordinator whose turn it is.
    pub(crate) async fn choose(&self) -> Result<Chosen, etcd_client::Error> {
        self.0.endpoints.choose().await
    }

    /// One attempt on a coordinator, no longer than an attempt may take; how it went is remembered of the coordinator.
    pub(crate) async fn bounded<T>(
        &self,
        number: usize,
        attempt: impl Future<Output = Result<T, etcd_client::Error>>,
    ) -> Result<T, Failed> {
        let bound = self.0.config.request_timeout;
        let fault = match timeout(bound, attempt).await {
            Ok(Ok(answer)) => {
                self.0.endpoints.succeeded();
                return Ok(answer);
            }
            Ok(Err(error)) => Fault::Client(error),
            Err(_) => Fault::TimedOut(bound),
        };
        match fault {
            Fault::Client(error) if !Fault::passes_by_itself(&error) => {
                self.0.endpoints.succeeded();
                Err(Failed::Refused(error))
            }
            fault => {
                self.failed(number);
                Err(Failed::Passing(fault))
            }
        }
    }

    /// A coordinator failed: the next one's turn.
    pub(crate) fn failed(&self, number: usize) {
        self.0.endpoints.failed(number);
    }

    /// The number of the coordinator whose turn it is, to follow.
    pub(crate) fn current(&self) -> watch::Receiver<usize> {
        self.0.endpoints.current()
    }

    /// A linearizable read.
    pub(crate) async fn get(&self, key: &str, options: Option<GetOptions>) -> Result<GetResponse, CallError> {
        self.call("etcdserverpb.KV/Range", |mut client| {
            let options = options.clone();
            async move { client.get(key, options).await }
        })
        .await
    }

    /// Writes a value.
    pub(crate) async fn put(
        &self,
        key: &str,
        value: &[u8],
        options: Option<PutOptions>,
    ) -> Result<PutResponse, CallError> {
        self.call("etcdserverpb.KV/Put", |mut client| {
            let options = options.clone();
            async move { client.put(key, value, options).await }
        })
        .await
    }

    /// A transaction, which must be safe to repeat.
    pub(crate) async fn txn(&self, txn: &Txn) -> Result<TxnResponse, CallError> {
        self.call("etcdserverpb.KV/Txn", |mut client| async move { client.txn(txn.clone()).await }).await
    }
}

/// What an operation's attempts were.
#[derive(Default)]
struct Tried {
    attempts: u32,
    /// The number of the endpoint that was asked last.
    last: Option<usize>,
}

/// How an attempt failed.
pub(crate) enum Failed {
    /// It would fail again.
    Refused(etcd_client::Error),
    /// It may work later, or elsewhere.
    Passing(Fault),
}
