//! Waiting for each other.
//!
//! Parties stand under `<prefix>/barriers/<barrier>/<generation>/parties/<party>`, each on a lease, so that one that dies
//! is not counted. When enough stand there, the last one to arrive writes `…/open`, and all go on.

use std::{collections::BTreeMap, time::Duration};

use etcd_client::{Compare, CompareOp, PutOptions, Txn, TxnOp};
use tokio::time::{Instant, timeout_at};

use crate::{
    CallError, Name,
    cluster::Cluster,
    feed::{Change, Entry, Feed, Update},
    lease::Session,
};

/// The lease of a party: one that dies is not counted after this.
const TTL: Duration = Duration::from_secs(5);
/// How long an opened barrier stays, for whoever arrives late, and how long its generation can't be used again.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// A barrier that did not open.
#[derive(Debug, thiserror::Error)]
pub enum BarrierError {
    /// Too few came in time. Nobody has gone on, or will, because of this party.
    #[error("only {arrived} of {parties} arrived within {timeout:?}")]
    TimedOut {
        /// How many were there.
        arrived: usize,
        /// How many it takes.
        parties: usize,
        /// How long was waited.
        timeout: Duration,
    },
    /// The cluster. This party may have been counted until its lease ended.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Which barrier, and how many it takes. A barrier is used again with a greater generation, such as the number of a run.
#[derive(Debug, Clone)]
pub struct Barrier {
    /// Its name.
    pub name: Name,
    /// Which use of it: one that has opened stays open for a day.
    pub generation: u64,
    /// How many have to arrive.
    pub parties: usize,
}

impl Barrier {
    /// Whether it has opened, so that whoever arrives now goes on alone.
    ///
    /// # Errors
    /// No coordinator answers.
    pub async fn is_open(&self, cluster: &Cluster) -> Result<bool, CallError> {
        let open = cluster.get(&format!("{}open", self.place(cluster)), None).await?;
        Ok(!open.kvs().is_empty())
    }

    fn place(&self, cluster: &Cluster) -> String {
        cluster.key("barriers", &self.name, &format!("/{}/", self.generation))
    }

    /// Arrives, and waits until all have, but no longer than `timeout`.
    ///
    /// # Errors
    /// Too few came, or no coordinator answers.
    pub async fn wait(&self, cluster: &Cluster, timeout: Duration) -> Result<(), BarrierError> {
        let place = self.place(cluster);
        let deadline = Instant::now() + timeout;
        // Its own key whichever lease it is on, so that one party is never counted as two.
        let party = format!("parties/{:016x}", rand::random::<u64>());
        loop {
            let session = Session::grant(cluster, TTL).await?;
            let (lease, seen) = (session.id(), Seen::default());
            let mut arrival = Arrival { cluster, barrier: self, place: &place, party: &party, lease, seen };
            let opened = tokio::select! {
                opened = timeout_at(deadline, arrival.wait()) => opened,
                () = session.lost() => continue,
            };
            let left = match opened {
                Ok(opened) => return opened.map_err(BarrierError::from),
                Err(_) => arrival.leave().await?,
            };
            return if left {
                let (arrived, parties) = (arrival.seen.parties.len(), self.parties);
                Err(BarrierError::TimedOut { arrived, parties, timeout })
            } else {
                Ok(())
            };
        }
    }
}

struct Arrival<'a> {
    cluster: &'a Cluster,
    barrier: &'a Barrier,
    place: &'a str,
    party: &'a str,
    lease: i64,
    seen: Seen,
}

/// A generation as it was last seen.
#[derive(Default)]
struct Seen {
    is_open: bool,
    /// Each party's key, and the revision of its arrival.
    parties: BTreeMap<String, i64>,
    /// The revision at which a party left in order, 0 if none has.
    departure: i64,
}

impl Arrival<'_> {
    fn key(&self, rest: &str) -> String {
        format!("{}{rest}", self.place)
    }

    fn is_closed(&self) -> Compare {
        Compare::create_revision(self.key("open"), CompareOp::Equal, 0)
    }

    async fn wait(&mut self) -> Result<(), CallError> {
        let leased = PutOptions::new().with_lease(self.lease);
        let put = TxnOp::put(self.key(self.party), "", Some(leased));
        if !self.cluster.txn(&Txn::new().when([self.is_closed()]).and_then([put])).await?.succeeded() {
            return Ok(());
        }
        let mut feed = Feed::of_prefix(self.cluster, self.place.to_owned());
        loop {
            self.seen.take(feed.next().await);
            if self.seen.is_open {
                return Ok(());
            }
            if self.is_last() {
                self.open().await?;
            }
        }
    }

    /// Whether all are there and this one came last. Should it die now, it is not counted, and others wait on.
    fn is_last(&self) -> bool {
        let last = self.seen.parties.iter().max_by_key(|(_, arrived)| **arrived);
        self.seen.parties.len() >= self.barrier.parties && last.is_some_and(|(key, _)| *key == self.party)
    }

    /// Opens, unless somebody has left meanwhile who was told that too few came.
    async fn open(&self) -> Result<(), CallError> {
        let memory = PutOptions::new().with_lease(self.cluster.grant(MEMORY).await?.id);
        let nobody_left = Compare::mod_revision(self.key("departure"), CompareOp::Equal, self.seen.departure);
        let put = TxnOp::put(self.key("open"), "", Some(memory));
        self.cluster.txn(&Txn::new().when([self.is_closed(), nobody_left]).and_then([put])).await.map(drop)
    }

    /// Takes the own arrival back, unless the barrier has opened: false then.
    async fn leave(&self) -> Result<bool, CallError> {
        let memory = PutOptions::new().with_lease(self.cluster.grant(MEMORY).await?.id);
        let departure = TxnOp::put(self.key("departure"), "", Some(memory));
        let delete = TxnOp::delete(self.key(self.party), None);
        let txn = Txn::new().when([self.is_closed()]).and_then([delete, departure]);
        Ok(self.cluster.txn(&txn).await?.succeeded())
    }
}

impl Seen {
    fn take(&mut self, update: Update) {
        match update {
            Update::List(list) => {
                *self = Self::default();
                list.into_iter().for_each(|entry| self.put(entry));
            }
            Update::Changes(changes) => {
                for change in changes {
                    match change {
                        Change::Put(entry) => self.put(entry),
                        Change::Delete { key, .. } => self.delete(&key),
                    }
                }
            }
        }
    }

    fn put(&mut self, entry: Entry) {
        match entry.key.as_str() {
            "open" => self.is_open = true,
            "departure" => self.departure = entry.mod_revision,
            _ => drop(self.parties.insert(entry.key, entry.create_revision)),
        }
    }

    fn delete(&mut self, key: &str) {
        match key {
            "open" => self.is_open = false,
            "departure" => self.departure = 0,
            party => drop(self.parties.remove(party)),
        }
    }
}
