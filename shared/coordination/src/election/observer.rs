//! Seeing who leads.

use std::{collections::BTreeMap, sync::Arc};

use etcd_client::{GetOptions, SortOrder, SortTarget};
use tokio::{sync::watch, task::JoinHandle};

use super::KIND;
use crate::{
    CallError, Name,
    cluster::Cluster,
    feed::{Change, Entry, Feed, Update},
};

/// Who leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// Its term; see [`Leadership::term`](super::Leadership::term).
    pub term: u64,
    /// What it called itself.
    pub candidate: String,
}

/// Who leads now, by a linearizable read; `None` if nobody stands.
///
/// # Errors
/// No coordinator answered, or they refuse.
pub async fn leader(cluster: &Cluster, election: &Name) -> Result<Option<Leader>, CallError> {
    let oldest = GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend).with_limit(1);
    let answer = cluster.get(&cluster.key(KIND, election, "/"), Some(oldest)).await?;
    Ok(answer.kvs().first().map(|kv| Leader::new(kv.value(), kv.create_revision())))
}

/// Who leads, as far as it is known. Clones share one watch.
#[derive(Debug, Clone)]
pub struct Observer {
    leader: watch::Receiver<Option<Leader>>,
    _task: Arc<Task>,
}

#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Follows an election. Nobody leads until a coordinator has answered; while none answers the last known leader stays.
///
/// Must be called within a runtime.
pub fn observe(cluster: &Cluster, election: &Name) -> Observer {
    let feed = Feed::of_prefix(cluster, cluster.key(KIND, election, "/"));
    let (sender, leader) = watch::channel(None);
    Observer { leader, _task: Arc::new(Task(tokio::spawn(follow(feed, sender)))) }
}

impl Observer {
    /// Who leads.
    pub fn leader(&self) -> Option<Leader> {
        self.leader.borrow().clone()
    }

    /// Waits until somebody else leads, or nobody, than when this was last waited for.
    pub async fn changed(&mut self) -> Option<Leader> {
        // The sender lives as long as the task, which lives as long as this.
        let _ = self.leader.changed().await;
        self.leader.borrow_and_update().clone()
    }
}

async fn follow(mut feed: Feed, sender: watch::Sender<Option<Leader>>) {
    let mut candidates: BTreeMap<String, Leader> = BTreeMap::new();
    loop {
        match feed.next().await {
            Update::List(list) => candidates = list.into_iter().map(candidate).collect(),
            Update::Changes(changes) => {
                for change in changes {
                    match change {
                        Change::Put(entry) => candidates.extend([candidate(entry)]),
                        Change::Delete { key, .. } => drop(candidates.remove(&key)),
                    }
                }
            }
        }
        let oldest = candidates.values().min_by_key(|leader| leader.term).cloned();
        sender.send_if_modified(|known| {
            let is_new = *known != oldest;
            *known = oldest;
            is_new
        });
    }
}

fn candidate(entry: Entry) -> (String, Leader) {
    (entry.key, Leader::new(&entry.value, entry.create_revision))
}

impl Leader {
    fn new(value: &[u8], create_revision: i64) -> Self {
        let candidate = String::from_utf8_lossy(value).into_owned();
        Self { term: u64::try_from(create_revision).unwrap_or(0), candidate }
    }
}
