//! The relay: takes frames from the outbox to Kafka, in order, and deletes them once Kafka has them.
//!
//! One relay a bucket. Who should relay it is elected, where there are coordinators; who does is who holds its session lock
//! in PostgreSQL ([`buckets`]), so a dead instance's buckets are free as soon as its connection is gone, and nothing stops
//! when no coordinator answers. Two instances that both believe to own a bucket for a moment send a frame twice, in order,
//! and that is all: what consumes it is idempotent.

mod buckets;
mod depth;
mod locks;
mod pacing;
mod plan;
mod producer;
mod session;

use std::{sync::Arc, time::Duration};

use coordination::{
    Name,
    election::{Candidate, Shares},
};
use rand::Rng;
use sqlx::postgres::PgConnectOptions;
use tokio::{sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use self::pacing::Pacing;
use crate::{BUCKETS, Topics, metric_definitions::METRICS};

/// The duty that is elected, once a bucket: `<service>.relay.<bucket>`.
const DUTY: Name = Name::literal("relay");
/// How long after its owner's death a bucket has another elected owner. Another instance relays it before that.
const TTL: Duration = Duration::from_secs(5);

/// What a relay needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Kafka's addresses, `host:port`, several separated by commas.
    pub bootstrap: String,
    /// Topic names.
    pub topics: Topics,
    /// The database whose outbox is relayed. The relay keeps connections of its own.
    pub database: PgConnectOptions,
    /// How much to take at once, and how often.
    pub pacing: Pacing,
    /// How long to wait before looking for frames nobody announced (another instance's, or a dead one's).
    pub poll_interval: Duration,
    /// How long librdkafka waits for a fuller batch (`linger.ms`).
    pub linger: Duration,
    /// As whom the instance stands for buckets; without, living instances share them evenly by the database alone.
    pub candidate: Option<Candidate>,
}

impl Config {
    /// Settings that suit one machine.
    pub fn new(bootstrap: impl Into<String>, topics: Topics, database: PgConnectOptions) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            topics,
            database,
            pacing: Pacing::default(),
            poll_interval: Duration::from_millis(25),
            linger: Duration::from_millis(2),
            candidate: None,
        }
    }
}

/// A running relay.
#[derive(Debug)]
pub struct Handle {
    waker: Waker,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Tells a relay that frames were committed. Cheap to clone, cheap to call.
#[derive(Debug, Clone)]
pub struct Waker(Arc<Notify>);

impl Waker {
    /// Has the relay look at once.
    pub fn wake(&self) {
        self.0.notify_one();
    }
}

impl Handle {
    /// The means to wake it after a commit.
    pub fn waker(&self) -> Waker {
        self.waker.clone()
    }

    /// Lets what is on its way to Kafka arrive, for up to 5 s, and ends. Frames not yet taken stay in the outbox.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            // A task that panicked has said so itself; there is nothing left to wait for.
            let _ = task.await;
        }
    }
}

/// Starts a relay. It runs until it is stopped, through losses of the database and of Kafka.
pub fn start(config: Config) -> Handle {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let waker = Waker(Arc::new(Notify::new()));
    let shares = config.candidate.clone().map(|candidate| Shares::stand(candidate, &DUTY, BUCKETS, TTL));
    let (owned, ownership) = buckets::start(config.database.clone(), shares, stopped.clone());
    let measuring = tokio::spawn(depth::measure(config.database.clone(), owned.clone(), stopped.clone()));
    let relaying = tokio::spawn(run(config, waker.clone(), owned, stopped));
    Handle { waker, stop, tasks: vec![relaying, ownership, measuring] }
}

/// One session after the other: a session ends when something failed, and what it had not finished is then sent
/// again from the oldest frame on, so that the order within a key stays.
async fn run(config: Config, waker: Waker, owned: buckets::Owned, stopped: CancellationToken) {
    let mut failures = 0u32;
    while !stopped.is_cancelled() {
        let began = tokio::time::Instant::now();
        let Err(error) = session::run(&config, &waker, owned.clone(), stopped.clone()).await else { break };
        METRICS.relay_failures.add(1, &[]);
        failures = if began.elapsed() > Duration::from_secs(30) { 1 } else { failures + 1 };
        let pause = backoff(failures);
        tracing::warn!(%error, ?pause, "relay begins anew");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped.cancelled() => {}
        }
    }
}

/// 50 ms, doubled with every failure up to 2 s, with full jitter on the upper half.
pub(crate) fn backoff(failures: u32) -> Duration {
    let ceiling = 50u64.saturating_mul(1 << failures.min(6)).min(2_000);
    Duration::from_millis(rand::rng().random_range(ceiling / 2..=ceiling))
}
