//! Following keys: first all, then every change, once and in order.

use std::time::Duration;

use etcd_client::{Event, EventType, GetOptions, KeyValue, SortOrder, SortTarget, WatchOptions, WatchStream};
use tokio::{sync::watch, time::Instant};

use crate::{CallError, backoff::Backoff, cluster::Cluster, metric_definitions::METRICS};

/// A stream that stood this long was served well.
const HEALTHY: Duration = Duration::from_secs(5);

/// A key and what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, without what all keys of the feed begin with.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// The revision at which the key was made.
    pub create_revision: i64,
    /// The revision at which the value was written.
    pub mod_revision: i64,
}

/// What happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was made or written.
    Put(Entry),
    /// It was deleted, or its lease ended.
    Delete {
        /// The key, without what all keys of the feed begin with.
        key: String,
        /// The revision at which it was.
        revision: i64,
    },
}

/// What a feed tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// All there is, in the order of creation: at first, and again when changes were compacted before they could be read.
    List(Vec<Entry>),
    /// What changed since, in order; all changes of one revision together.
    Changes(Vec<Change>),
}

/// A watch of a key, or of all keys that begin with a prefix, that goes on whatever happens to coordinators.
///
/// It resumes behind the last revision it has told, on whichever coordinator answers. While none does it tells nothing, so
/// that whoever follows keeps what it knows.
pub struct Feed {
    cluster: Cluster,
    key: String,
    reach: Reach,
    /// The first revision not told yet; `None` before the list.
    next_revision: Option<i64>,
    stream: Option<Open>,
    backoff: Backoff,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Key,
    Prefix,
}

struct Open {
    stream: WatchStream,
    endpoint: usize,
    current: watch::Receiver<usize>,
    since: Instant,
}

/// Why a stream is not read on.
enum Broken {
    /// The coordinator that serves it failed.
    Failed,
    /// The coordinator that serves it failed in somebody else's request.
    Moved,
    /// Changes that were not told are gone.
    Compacted,
}

impl Feed {
    /// Of all of the shop's keys that begin with this, behind the shop's own prefix: `services/order/`.
    pub fn new(cluster: &Cluster, prefix: &str) -> Self {
        Self::of_prefix(cluster, format!("{}/{prefix}", cluster.config().prefix))
    }

    /// Of all keys that begin with this.
    pub(crate) fn of_prefix(cluster: &Cluster, prefix: String) -> Self {
        Self::reaching(Reach::Prefix, cluster, prefix)
    }

    /// Of this key alone.
    pub(crate) fn of_key(cluster: &Cluster, key: String) -> Self {
        Self::reaching(Reach::Key, cluster, key)
    }

    fn reaching(reach: Reach, cluster: &Cluster, key: String) -> Self {
        let backoff = Backoff::default();
        Self { cluster: cluster.clone(), key, reach, next_revision: None, stream: None, backoff }
    }

    /// Waits for the next update. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Update {
        loop {
            let Some(revision) = self.next_revision else {
                match self.list().await {
                    Ok(list) => return Update::List(list),
                    Err(error) => tracing::warn!(%error, key = self.key, "can't be listed"),
                }
                self.backoff.wait().await;
                continue;
            };
            if self.stream.is_none() && !self.open(revision).await {
                self.backoff.wait().await;
                continue;
            }
            match self.changes().await {
                Ok(changes) => return Update::Changes(changes),
                Err(Broken::Failed) => self.fail().await,
                Err(Broken::Moved) => self.stream = None,
                Err(Broken::Compacted) => {
                    METRICS.relisted.add(1, &[]);
                    (self.stream, self.next_revision) = (None, None);
                }
            }
        }
    }

    async fn list(&mut self) -> Result<Vec<Entry>, CallError> {
        let by_creation = || GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend);
        let options = (self.reach == Reach::Prefix).then(by_creation);
        let answer = self.cluster.get(&self.key, options).await?;
        let revision = answer.header().map_or(0, |header| header.revision());
        self.next_revision = Some(revision + 1);
        Ok(answer.kvs().iter().map(|kv| self.entry(kv)).collect())
    }

    /// Opens a stream on the coordinator whose turn it is; whether it could.
    async fn open(&mut self, revision: i64) -> bool {
        let current = self.cluster.current();
        let Ok(mut chosen) = self.cluster.choose().await else { return false };
        let options = WatchOptions::new().with_start_revision(revision);
        let options = if self.reach == Reach::Prefix { options.with_prefix() } else { options };
        let attempt = chosen.client.watch(self.key.as_str(), Some(options));
        let Ok(stream) = self.cluster.bounded(chosen.number, attempt).await else { return false };
        self.stream = Some(Open { stream, endpoint: chosen.number, current, since: Instant::now() });
        true
    }

    /// Leaves a coordinator that failed. One that let a stream stand for a while is left at once, others after a pause.
    async fn fail(&mut self) {
        let Some(open) = self.stream.take() else { return };
        self.cluster.failed(open.endpoint);
        if open.since.elapsed() > HEALTHY {
            self.backoff = Backoff::default();
        }
        self.backoff.wait().await;
    }

    async fn changes(&mut self) -> Result<Vec<Change>, Broken> {
        loop {
            let Some(open) = &mut self.stream else { return Err(Broken::Moved) };
            let message = tokio::select! {
                message = open.stream.message() => message,
                // Others have found that this coordinator does not answer: the stream would not tell for some seconds.
                moved = open.current.wait_for(|current| *current != open.endpoint) => {
                    drop(moved);
                    return Err(Broken::Moved);
                }
            };
            let Ok(Some(message)) = message else { return Err(Broken::Failed) };
            if message.compact_revision() > 0 {
                return Err(Broken::Compacted);
            }
            if message.canceled() {
                return Err(Broken::Failed);
            }
            let revisions = message.events().iter().filter_map(Event::kv).map(KeyValue::mod_revision);
            if let Some(last) = revisions.max() {
                self.next_revision = Some(last + 1);
                self.backoff = Backoff::default();
                return Ok(message.events().iter().filter_map(|event| self.change(event)).collect());
            }
        }
    }

    fn change(&self, event: &Event) -> Option<Change> {
        let kv = event.kv()?;
        Some(match event.event_type() {
            EventType::Put => Change::Put(self.entry(kv)),
            EventType::Delete => Change::Delete { key: self.rest(kv), revision: kv.mod_revision() },
        })
    }

    fn entry(&self, kv: &KeyValue) -> Entry {
        let (create_revision, mod_revision) = (kv.create_revision(), kv.mod_revision());
        Entry { key: self.rest(kv), value: kv.value().to_vec(), create_revision, mod_revision }
    }

    fn rest(&self, kv: &KeyValue) -> String {
        let key = String::from_utf8_lossy(kv.key());
        key.strip_prefix(&self.key).unwrap_or(&key).to_owned()
    }
}
