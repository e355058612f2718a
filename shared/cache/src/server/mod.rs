//! One memcached server: exchanges with it, and leaving it alone while it does not answer.

mod access;
mod breaker;
mod found;
mod gathering;

use std::{
    collections::HashMap,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use coordination::settings::Setting;
use memcache::exp::{AsyncMetaClient, Error};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};

pub(crate) use self::{
    access::{Access, Step, Taken},
    found::{Found, look, look_or_begin, replace},
};
use self::{breaker::Breaker, gathering::Gathering};
use crate::{
    Config,
    changing::{Telling, tell},
    config::seconds,
    metric_definitions::{METRICS, State},
    stamp::now,
};

/// How many keys a server may miss changes of: more are forgotten, as nothing that is older is believed here in any case.
const MOST_MISSED: usize = 100_000;

/// No answer: the server is away, or left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Away;

/// A server. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Server(Arc<Inner>);

struct Inner {
    name: String,
    patience: Duration,
    longest_pause: Duration,
    connections: usize,
    ttl: Setting<Duration>,
    /// Whose connections they are.
    runtime: Option<Handle>,
    client: Mutex<Option<AsyncMetaClient>>,
    gathering: Gathering,
    breaker: Breaker,
    /// Changes that could not be told of, until they have been.
    missed: Mutex<HashMap<String, Telling>>,
    /// When the last of those was, in milliseconds since 1970: nothing of this server is believed that was read before.
    floor: AtomicU64,
    prober: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("name", &self.name).field("breaker", &self.breaker).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let prober = self.prober.get_mut().ok().and_then(Option::take);
        if let Some(prober) = prober {
            prober.abort();
        }
    }
}

impl Server {
    pub(crate) fn new(name: &str, config: &Config, ttl: Setting<Duration>) -> Self {
        METRICS.breaker_is(name, State::Closed);
        Self(Arc::new(Inner {
            name: name.to_owned(),
            patience: config.patience,
            longest_pause: config.probe,
            connections: config.connections,
            ttl,
            runtime: Handle::try_current().ok(),
            client: Mutex::default(),
            gathering: Gathering::default(),
            breaker: Breaker::new(config.faults),
            missed: Mutex::default(),
            floor: AtomicU64::new(0),
            prober: Mutex::default(),
        }))
    }

    /// Nothing of it is believed that was read at this time or before.
    pub(crate) fn floor(&self) -> u64 {
        self.0.floor.load(Ordering::Acquire)
    }

    /// Whether it is left alone.
    pub(crate) fn is_away(&self) -> bool {
        self.0.breaker.is_open()
    }

    /// For how long it holds what was told of a key: no reader believes what is older, and no load that begins now shows what
    /// was so long ago.
    pub(crate) fn hold(&self) -> Duration {
        self.0.ttl.get()
    }

    pub(crate) fn hold_seconds(&self) -> u32 {
        seconds(self.hold())
    }

    /// Exchanges while it is not left alone.
    pub(crate) fn using(&self) -> Access<'_> {
        Access { server: self, heeds_breaker: true }
    }

    /// Remembers changes that could not be told of: they are told when the server is back.
    pub(crate) fn missed(&self, changes: impl IntoIterator<Item = (String, Telling)>) {
        let mut count = 0;
        let mut missed = self.missed_changes();
        for (key, telling) in changes {
            count += 1;
            if missed.len() >= MOST_MISSED && !missed.contains_key(&key) {
                continue;
            }
            missed.entry(key).and_modify(|before| *before = before.and(telling)).or_insert(telling);
        }
        drop(missed);
        if count > 0 {
            METRICS.missed(&self.0.name, count);
            self.0.floor.fetch_max(now(), Ordering::AcqRel);
            // Whatever the number of faults: it is not to be believed until it has been told.
            if self.0.breaker.open() {
                self.opened();
            }
        }
    }

    /// One exchange; what it could not do counts as one fault, however many keys it was for.
    async fn attempt<T>(
        &self,
        does: impl AsyncFnOnce(AsyncMetaClient) -> Result<Vec<Result<T, Error>>, Error>,
    ) -> Result<Vec<Result<T, Away>>, Away> {
        let work = within(self.0.runtime.as_ref(), async { does(self.client().await?).await });
        let done = match timeout(self.0.patience, work).await {
            Ok(done) => done,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        };
        // An answer that it is out of memory, or takes nothing as large, is one.
        let is_fault = |error: &&Error| !matches!(error, Error::Server(_));
        let fault = match &done {
            Ok(answers) => answers.iter().find_map(|answer| answer.as_ref().err().filter(is_fault)),
            Err(error) => Some(error).filter(is_fault),
        };
        match fault {
            None => self.0.breaker.answered(),
            Some(error) => {
                if self.0.breaker.failed() {
                    tracing::warn!(server = self.0.name, %error, "memcached is left alone");
                    self.opened();
                }
            }
        }
        Ok(done.map_err(|_| Away)?.into_iter().map(|answer| answer.map_err(|_| Away)).collect())
    }

    async fn client(&self) -> Result<AsyncMetaClient, Error> {
        if let Some(client) = self.connected().as_ref() {
            return Ok(client.clone());
        }
        let builder = AsyncMetaClient::builder()
            .connect_timeout(Some(self.0.patience))
            .io_timeout(Some(self.0.patience))
            .max_idle(self.0.connections)
            .max_connections(Some(self.0.connections));
        let client = builder.connect_async(self.0.name.as_str()).await?;
        // Another may have been quicker: its connections are as good.
        Ok(self.connected().get_or_insert(client).clone())
    }

    fn connected(&self) -> MutexGuard<'_, Option<AsyncMetaClient>> {
        self.0.client.lock().expect("nothing panics while it holds the lock")
    }

    fn missed_changes(&self) -> MutexGuard<'_, HashMap<String, Telling>> {
        self.0.missed.lock().expect("nothing panics while it holds the lock")
    }

    /// Drops all connections, and probes until it answers.
    fn opened(&self) {
        METRICS.opened(&self.0.name);
        METRICS.breaker_is(&self.0.name, State::Open);
        let (weak, pause) = (Arc::downgrade(&self.0), self.0.longest_pause);
        let prober = tokio::spawn(async move {
            for probe in 0.. {
                tokio::time::sleep(breaker::pause(probe, pause)).await;
                let Some(server) = weak.upgrade().map(Server) else { return };
                if server.probe().await {
                    return;
                }
            }
        });
        *self.0.prober.lock().expect("nothing panics while it holds the lock") = Some(prober);
    }

    /// Whether it answers, and has been told of all that it missed: then it is used again.
    async fn probe(&self) -> bool {
        METRICS.breaker_is(&self.0.name, State::HalfOpen);
        // Its name may stand for another address by now, and what is open may be half dead.
        *self.connected() = None;
        let answers = self.attempt(async |client| Ok(vec![client.noop().await])).await;
        let answers = answers.is_ok_and(|answers| answers.iter().all(Result::is_ok));
        if !(answers && self.tell_missed().await) {
            METRICS.breaker_is(&self.0.name, State::Open);
            return false;
        }
        tracing::info!(server = self.0.name, "memcached answers again");
        METRICS.breaker_is(&self.0.name, State::Closed);
        true
    }

    /// Tells what was missed until nothing is left, and closes the breaker.
    async fn tell_missed(&self) -> bool {
        loop {
            let missed = {
                let mut missed = self.missed_changes();
                if missed.is_empty() {
                    // Under the lock, so that nothing is missed between the look and this.
                    self.0.breaker.close();
                    return true;
                }
                std::mem::take(&mut *missed)
            };
            let changes = missed.into_iter().collect();
            let left = tell(Access { server: self, heeds_breaker: false }, changes).await;
            if !left.is_empty() {
                let mut missed = self.missed_changes();
                for (key, telling) in left {
                    missed.entry(key).and_modify(|newer| *newer = newer.and(telling)).or_insert(telling);
                }
                return false;
            }
        }
    }
}

/// Has a future's connections belong to a runtime: that is the one that learns of an answer and wakes who waits for it. A worker
/// of the HTTP server, which may be the first to need a connection, has a runtime of its own, and looks for answers seldom
/// while it is busy.
async fn within<T>(runtime: Option<&Handle>, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _entered = runtime.map(Handle::enter);
        future.as_mut().poll(context)
    })
    .await
}
