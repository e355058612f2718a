//! The live list of a service's instances.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU32},
};

use tokio::{sync::watch as channel, task::JoinHandle};

use super::{Instance, KIND, Stored};
use crate::{
    Name,
    cluster::Cluster,
    feed::{Change, Entry, Feed, Update},
};

/// The instances of a service as they are, or as they last were while no coordinator answers. Clones share one watch.
#[derive(Debug, Clone)]
pub struct Instances {
    list: channel::Receiver<Arc<[Member]>>,
    _task: Arc<Task>,
}

/// An instance, and what this process has under way with it, which stays when the instance's load changes.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) instance: Arc<Instance>,
    pub(super) in_flight: Arc<AtomicU32>,
}

#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Follows the instances of a service. The list is empty until a coordinator has answered.
///
/// Must be called within a runtime.
pub fn watch(cluster: &Cluster, service: &Name) -> Instances {
    let prefix = cluster.key(KIND, service, "/");
    let (sender, list) = channel::channel(Arc::default());
    let task = Task(tokio::spawn(follow(Feed::of_prefix(cluster, prefix), sender)));
    Instances { list, _task: Arc::new(task) }
}

impl Instances {
    /// All of them, by id.
    pub fn list(&self) -> Vec<Arc<Instance>> {
        self.list.borrow().iter().map(|member| Arc::clone(&member.instance)).collect()
    }

    /// Waits until the list has changed since it was last waited for.
    pub async fn changed(&mut self) {
        // The sender lives as long as the task, which lives as long as this.
        let _ = self.list.changed().await;
    }

    pub(super) fn members(&self) -> channel::Ref<'_, Arc<[Member]>> {
        self.list.borrow()
    }
}

async fn follow(mut feed: Feed, sender: channel::Sender<Arc<[Member]>>) {
    let mut members: BTreeMap<String, Member> = BTreeMap::new();
    loop {
        match feed.next().await {
            Update::List(list) => {
                let listed = list.into_iter().filter_map(|entry| Some((entry.key.clone(), take(&entry, &members)?)));
                members = listed.collect();
            }
            Update::Changes(changes) => changes.into_iter().for_each(|change| apply(change, &mut members)),
        }
        sender.send_replace(members.values().cloned().collect());
    }
}

fn apply(change: Change, members: &mut BTreeMap<String, Member>) {
    let (key, member) = match change {
        Change::Put(entry) => (entry.key.clone(), take(&entry, members)),
        Change::Delete { key, .. } => (key, None),
    };
    match member {
        Some(member) => drop(members.insert(key, member)),
        None => drop(members.remove(&key)),
    }
}

/// An instance as it is stored; `None`, and a warning, of what is none.
fn take(entry: &Entry, known: &BTreeMap<String, Member>) -> Option<Member> {
    let (Ok(id), Ok(Stored { address, load })) = (entry.key.parse(), serde_json::from_slice(&entry.value)) else {
        tracing::warn!(key = entry.key, "this is no instance");
        return None;
    };
    let in_flight = known.get(&entry.key).map(|member| Arc::clone(&member.in_flight)).unwrap_or_default();
    Some(Member { instance: Arc::new(Instance { id, address, load }), in_flight })
}
