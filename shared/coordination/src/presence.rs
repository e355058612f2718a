//! Saying something for as long as one is there, and waiting until all who are there say the same.
//!
//! What is said stands under `<prefix>/presence/<topic>/<lease>`, on a lease of its own for every statement: an attempt to
//! write that was given up, and is carried out late, finds its lease gone and says nothing.

use std::{collections::BTreeMap, time::Duration};

use etcd_client::PutOptions;

use crate::{
    CallError, Name,
    cluster::Cluster,
    feed::{Change, Feed, Update},
    lease::{Life, Session},
};

/// The kind of these keys.
const KIND: &str = "presence";

/// A statement, for as long as this is held and its lease holds. Dropped, it is taken back in the background.
#[derive(Debug)]
pub struct Presence {
    session: Session,
}

impl Presence {
    /// Says `text` about a topic, on a lease of this time to live.
    ///
    /// # Errors
    /// No coordinator answered, or they refuse. Then it may be said until the lease has ended.
    pub async fn announce(cluster: &Cluster, topic: &Name, text: &str, ttl: Duration) -> Result<Self, CallError> {
        let session = Session::grant(cluster, ttl).await?;
        let key = cluster.key(KIND, topic, &format!("/{:016x}", session.id()));
        cluster.put(&key, text.as_bytes(), Some(PutOptions::new().with_lease(session.id()))).await?;
        Ok(Self { session })
    }

    /// Whether it is still said: over before others can have seen it vanish.
    pub fn life(&self) -> &Life {
        self.session.life()
    }

    /// Takes it back, and waits until the coordinators know or the cluster's patience is over.
    pub async fn withdraw(self) {
        self.session.revoke().await;
    }
}

/// Waits until all who say anything about a topic say `text`.
///
/// The first look is linearizable: of two who each announce and then wait for the other to agree, at least one sees the
/// other's statement.
pub async fn unanimous(cluster: &Cluster, topic: &Name, text: &str) {
    let mut feed = Feed::of_prefix(cluster, cluster.key(KIND, topic, "/"));
    let mut said: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    loop {
        match feed.next().await {
            Update::List(list) => said = list.into_iter().map(|entry| (entry.key, entry.value)).collect(),
            Update::Changes(changes) => changes.into_iter().for_each(|change| match change {
                Change::Put(entry) => drop(said.insert(entry.key, entry.value)),
                Change::Delete { key, .. } => drop(said.remove(&key)),
            }),
        }
        if said.values().all(|value| value == text.as_bytes()) {
            return;
        }
    }
}
