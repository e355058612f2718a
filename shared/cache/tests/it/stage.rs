//! What the tests have in common.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use cache::{Acceptable, Cache, Cached, Config, Key, Kind, LoadError, Loaded, Policy, Stamp, now};
use coordination::settings::Setting;
pub(crate) use local::testing::eventually;
use local::{
    servers::{self, Server, Servers},
    testing,
};
use memcache::exp::AsyncMetaClient;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Semaphore,
};

/// How long anything may take that does not have to wait.
pub(crate) const BOUND: Duration = Duration::from_secs(30);
/// A time to live that no test waits for.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// How many of a product there are.
pub(crate) struct Stock;

impl Kind for Stock {
    const NAME: &'static str = "stock";
    const SCHEMA: u16 = 1;
    type Value = String;
}

pub(crate) fn key(text: &str) -> Key<Stock> {
    Key::new(text)
}

/// A memcached of a test's own.
pub(crate) struct Memcached(Servers);

impl Memcached {
    pub(crate) async fn start() -> Self {
        let config = servers::Config::test([Server::Memcached]);
        Self(Servers::start(config, |_| {}).await.unwrap_or_else(|error| panic!("memcached did not start: {error}")))
    }

    pub(crate) fn address(&self) -> String {
        self.0.memcached().address().to_string()
    }

    pub(crate) async fn kill(&self) {
        self.0.kill(Server::Memcached).await.unwrap();
    }

    /// Empty, on the same port.
    pub(crate) async fn restart(&self) {
        self.0.restart(Server::Memcached).await.unwrap();
    }

    pub(crate) fn pause(&self) {
        self.0.pause(Server::Memcached).unwrap();
    }

    pub(crate) fn resume(&self) {
        self.0.resume(Server::Memcached).unwrap();
    }

    /// One of the numbers that it counts.
    pub(crate) async fn count(&self, name: &str) -> u64 {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(b"stats\r\nquit\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("STAT {name} "))).unwrap();
        line.trim().parse().unwrap()
    }

    /// A client of another make, for what a test does by itself.
    pub(crate) async fn raw(&self) -> AsyncMetaClient {
        AsyncMetaClient::connect(self.address().as_str()).await.unwrap()
    }
}

/// A patience that a busy machine does not exhaust, and a time to live that none waits for.
pub(crate) fn config(memcached: &Memcached) -> Config {
    config_at([memcached.address()])
}

pub(crate) fn config_at<const N: usize>(servers: [String; N]) -> Config {
    Config { patience: Duration::from_secs(5), grace: Duration::ZERO, jitter: 0.0, ..Config::new(servers) }
}

/// What a process has: connections and loads of its own.
pub(crate) fn process(config: &Config) -> Cache {
    by(config, Policy::Aside)
}

pub(crate) fn by(config: &Config, policy: Policy) -> Cache {
    living(config, policy, LONG)
}

pub(crate) fn living(config: &Config, policy: Policy, ttl: Duration) -> Cache {
    Cache::fixed(config.clone(), policy, Setting::fixed(ttl)).unwrap()
}

/// Whatever a cache makes of its time to live.
pub(crate) fn any() -> Acceptable {
    Acceptable::any()
}

/// A row in a database that counts how often it is read. Its version is its value, and its position ten times that.
#[derive(Debug, Clone)]
pub(crate) struct Row(Arc<Held>);

#[derive(Debug)]
struct Held {
    version: AtomicU64,
    loads: AtomicUsize,
    gate: Semaphore,
    takes: Duration,
}

pub(crate) type Read = Result<Loaded<String>, Infallible>;

impl Row {
    pub(crate) fn new() -> Self {
        Self::taking(Duration::ZERO)
    }

    /// One that takes so long to read.
    pub(crate) fn taking(takes: Duration) -> Self {
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        Self(Arc::new(Held { version: AtomicU64::new(1), loads: AtomicUsize::new(0), gate, takes }))
    }

    pub(crate) fn loads(&self) -> usize {
        self.0.loads.load(Ordering::SeqCst)
    }

    /// Reads it now, as a loader does.
    pub(crate) fn read(&self) -> Loaded<String> {
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        self.shown()
    }

    /// What a loader has that reads now.
    pub(crate) fn shown(&self) -> Loaded<String> {
        at_version(self.0.version.load(Ordering::SeqCst))
    }

    /// Changes it; what was written.
    pub(crate) fn change(&self) -> Loaded<String> {
        at_version(self.0.version.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// A loader of it.
    pub(crate) fn loader(&self) -> impl FnOnce() -> futures::future::BoxFuture<'static, Read> + Send + use<> {
        let row = self.clone();
        move || {
            Box::pin(async move {
                let loaded = row.read();
                tokio::time::sleep(row.0.takes).await;
                let _open = row.0.gate.acquire().await.unwrap();
                Ok(loaded)
            })
        }
    }

    /// Lets no load end.
    pub(crate) fn shut(&self) {
        self.0.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open(&self) {
        self.0.gate.add_permits(1_000);
    }
}

pub(crate) fn at_version(version: u64) -> Loaded<String> {
    let stamp = Stamp { sees: version * 10, shows: version * 10, read_at: now(), version };
    Loaded { value: Some(version.to_string()), stamp, lags: false }
}

pub(crate) type Got = Result<Cached<String>, LoadError<Infallible>>;

/// Reads, or loads from the row.
pub(crate) async fn get(cache: &Cache, text: &str, row: &Row) -> Cached<String> {
    get_by(cache, text, row, &any()).await
}

pub(crate) async fn get_by(cache: &Cache, text: &str, row: &Row, acceptable: &Acceptable) -> Cached<String> {
    let got: Got = cache.get_or_load(&key(text), acceptable, row.loader()).await;
    got.unwrap()
}

pub(crate) fn text(cached: &Cached<String>) -> &str {
    cached.value.as_deref().map_or("", String::as_str)
}

/// What is cached, if it is.
pub(crate) async fn cached(cache: &Cache, name: &str) -> Option<String> {
    cache.get(&key(name), &any()).await.map(|cached| text(&cached).to_owned())
}

/// The shared coordinators, with keys that no other test has.
pub(crate) async fn cluster() -> coordination::Cluster {
    let config = coordination::Config::new(testing::coordinators().await.endpoints(), testing::prefix());
    coordination::Cluster::new(coordination::Config { patience: BOUND, ..config }).unwrap()
}
