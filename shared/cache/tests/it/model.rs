//! Loads, changes, tellings and losses in any order, on a real server: what was told of is never followed by what was before.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cache::{Cache, Key, Kind, Loaded, Policy};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};

use crate::stage::{Memcached, Stock, any, at_version, by, config, text};

/// Names one history to repeat.
const SEED: &str = "CACHE_SEED";
const HISTORIES: u64 = 150;
const STEPS: usize = 40;
/// How long a step is waited for that may have to wait for another.
const SOON: Duration = Duration::from_millis(4);

/// Somebody who asks: if it loads, it reads when it begins and ends when it is let.
struct Load {
    end: oneshot::Sender<()>,
    caller: JoinHandle<()>,
}

/// Values of which changes are told only where something stands.
struct Orders;

impl Kind for Orders {
    const NAME: &'static str = "order";
    const SCHEMA: u16 = 1;
    const SPARSE: bool = true;
    type Value = String;
}

/// One history.
struct History<'a, K> {
    key: Key<K>,
    random: StdRng,
    memcached: &'a Memcached,
    caches: Vec<Cache>,
    /// Loads come from replicas that lag.
    lags: bool,
    /// Everything may be lost: not where replicas lag and what they show is cached, as who has lost what it was told of can't
    /// tell what a replica lacks.
    loses: bool,
    committed: Arc<AtomicU64>,
    /// Committed and not told of.
    untold: VecDeque<u64>,
    /// The newest that was told of, to its end.
    told: u64,
    loads: Vec<Load>,
    steps: Vec<String>,
}

impl<K: Kind<Value = String>> History<'_, K> {
    async fn run(&mut self) {
        for _ in 0..STEPS {
            let cache = self.caches[self.random.random_range(0..self.caches.len())].clone();
            match self.random.random_range(0..12) {
                0..=2 => self.begin(&cache).await,
                3 | 4 => self.end().await,
                5 | 6 => {
                    let committed = self.committed.fetch_add(1, Ordering::SeqCst) + 1;
                    self.untold.push_back(committed);
                    self.note(format!("commit {committed}"));
                }
                7..=9 => self.tell(&cache).await,
                10 if self.loses && self.random.random_bool(0.3) => self.lose().await,
                _ => {}
            }
            self.check().await;
        }
        while !self.loads.is_empty() {
            self.end().await;
            self.check().await;
        }
    }

    fn note(&mut self, step: String) {
        self.steps.push(step);
    }

    /// Somebody asks, and loads unless another does or it is cached: then at once, or when the other has not.
    async fn begin(&mut self, cache: &Cache) {
        let (end, ended) = oneshot::channel();
        let (begun, begins) = oneshot::channel();
        let lag = if self.lags { self.random.random_range(0..=3) } else { 0 };
        let (cache, committed, lags) = (cache.clone(), Arc::clone(&self.committed), self.lags);
        let key = self.key.clone();
        let caller = tokio::spawn(async move {
            let load = move || async move {
                let shown = committed.load(Ordering::SeqCst).saturating_sub(lag).max(1);
                // Nobody listens any more where this was not waited for.
                let _ = begun.send(shown);
                // Nor says anything where the history has ended.
                let _ = ended.await;
                Ok::<_, Infallible>(Loaded { lags, ..at_version(shown) })
            };
            cache.get_or_load(&key, &any(), load).await.unwrap();
        });
        // That it loads is seen soon.
        let loads = tokio::time::timeout(SOON, begins).await;
        self.note(format!("ask; loads {:?}", loads.ok().and_then(Result::ok)));
        self.loads.push(Load { end, caller });
    }

    async fn end(&mut self) {
        if self.loads.is_empty() {
            return;
        }
        let load = self.loads.swap_remove(self.random.random_range(0..self.loads.len()));
        self.note("end".to_owned());
        // It may be one that has not begun to load, or never will.
        let _ = load.end.send(());
        let _ = tokio::time::timeout(SOON, load.caller).await;
    }

    async fn tell(&mut self, cache: &Cache) {
        if self.untold.is_empty() {
            return;
        }
        // In any order.
        let version = self.untold.remove(self.random.random_range(0..self.untold.len())).unwrap();
        let Loaded { value, stamp, .. } = at_version(version);
        match self.random.random_range(0..4) {
            0 if !self.lags => {
                self.note(format!("invalidate for {version}"));
                cache.invalidate([self.key.clone()]).await;
            }
            1 => {
                self.note(format!("write {version} through"));
                cache.write_through(&self.key, value, stamp).await;
            }
            _ => {
                self.note(format!("tell of {version}"));
                cache.changed(&self.key, value, stamp).await;
            }
        }
        self.told = self.told.max(version);
    }

    async fn lose(&mut self) {
        self.note("lose all".to_owned());
        let mut stream = TcpStream::connect(self.memcached.address()).await.unwrap();
        stream.write_all(b"flush_all\r\n").await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"OK\r\n");
    }

    async fn check(&self) {
        for cache in &self.caches {
            let Some(found) = cache.get(&self.key, &any()).await else { continue };
            let version: u64 = text(&found).parse().unwrap();
            assert!(version >= self.told, "{version} is cached, {} was told of: {:#?}", self.told, self.steps);
            assert!(
                version <= self.committed.load(Ordering::SeqCst),
                "{version} was never committed: {:#?}",
                self.steps
            );
        }
    }
}

async fn histories<K: Kind<Value = String>>(lags: bool) {
    let memcached = Memcached::start().await;
    let given: Option<u64> = std::env::var(SEED).ok().map(|seed| seed.parse().unwrap());
    for seed in given.map_or(0..HISTORIES, |seed| seed..seed + 1) {
        println!("{SEED}={seed}");
        let config = cache::Config { prefix: format!("{seed}/"), ..config(&memcached) };
        let caches = [Policy::Aside, Policy::WriteThrough, Policy::Aside].map(|policy| by(&config, policy)).to_vec();
        let (random, memcached) = (StdRng::seed_from_u64(seed), &memcached);
        let committed = Arc::new(AtomicU64::new(1));
        let (untold, loads, steps) = (VecDeque::new(), Vec::new(), Vec::new());
        let (key, loses) = (Key::<K>::new("a"), !lags || K::SPARSE);
        let mut history =
            History { key, random, memcached, caches, lags, loses, committed, untold, told: 1, loads, steps };
        history.run().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_of_is_not_followed_by_what_was_before_though_all_is_lost() {
    histories::<Stock>(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_though_loads_come_from_replicas_that_lag() {
    histories::<Stock>(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_of_a_kind_that_is_told_of_sparingly() {
    histories::<Orders>(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_of_such_a_kind_though_loads_come_from_replicas_that_lag() {
    histories::<Orders>(true).await;
}
