//! Many duties of one kind, spread evenly over the instances of a service.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    time::Duration,
};

use futures::{
    StreamExt as _,
    future::{join_all, select_all},
    stream::FuturesUnordered,
};
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Candidate, Leadership, campaign};
use crate::{
    Name,
    discovery::{self, Instances},
};

/// An instance's share of duties that are numbered from 0, for as long as this is held. Each has one owner, elected in
/// `<service>.<duty>.<number>`.
///
/// An instance stands for all of them while it owns less than its share: all of them divided by the service's instances,
/// rounded up. Once it has its share it stands for no other, and what it owns beyond it, because an instance came, it gives
/// up: to one that stands, which is one that has less than its share.
#[derive(Debug)]
pub struct Shares {
    owned: watch::Receiver<BTreeSet<u16>>,
    connected: watch::Receiver<bool>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Shares {
    /// Stands for a share of `count` duties; what an owner that dies had is given to others after `ttl`.
    ///
    /// Must be called within a runtime.
    pub fn stand(candidate: Candidate, duty: &Name, count: u16, ttl: Duration) -> Self {
        let connected = candidate.cluster.connected();
        let instances = discovery::watch(&candidate.cluster, &candidate.service);
        let duty = candidate.election(duty);
        let elections = (0..count).map(|number| (number, duty.join(&number.to_string()))).collect();
        let (sender, owned) = watch::channel(BTreeSet::new());
        let stop = CancellationToken::new();
        let stand = Stand { candidate, elections, ttl, held: BTreeMap::new(), owned: sender };
        Self { owned, connected, task: tokio::spawn(stand.run(instances, stop.clone())), stop }
    }

    /// What this instance owns, to look at or to wait for. Something that is not in it is owned by another, or by nobody.
    pub fn owned(&self) -> watch::Receiver<BTreeSet<u16>> {
        self.owned.clone()
    }

    /// Whether coordinators answer; while they don't, nobody can be elected.
    pub fn connected(&self) -> watch::Receiver<bool> {
        self.connected.clone()
    }

    /// Gives everything up, and waits until others know, for [`Cluster::parting`](crate::Cluster::parting) at most.
    pub async fn leave(mut self) {
        self.stop.cancel();
        // An error is a runtime that shuts down: then the leases end by themselves.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Shares {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

type Campaigns<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = (u16, Leadership)> + Send + 'a>>>;

struct Stand {
    candidate: Candidate,
    elections: BTreeMap<u16, Name>,
    ttl: Duration,
    held: BTreeMap<u16, Leadership>,
    owned: watch::Sender<BTreeSet<u16>>,
}

impl Stand {
    async fn run(mut self, mut instances: Instances, stop: CancellationToken) {
        let Self { candidate, elections, ttl, .. } = &self;
        let (candidate, elections, ttl) = (candidate.clone(), elections.clone(), *ttl);
        let mut campaigns = Campaigns::new();
        let mut standing = BTreeSet::new();
        loop {
            self.give_up_beyond(share(elections.len(), instances.list().len()));
            self.tell();
            if self.held.len() >= share(elections.len(), instances.list().len()) {
                // Dropped campaigns withdraw.
                campaigns.clear();
                standing.clear();
            } else {
                for (number, election) in &elections {
                    if !self.held.contains_key(number) && standing.insert(*number) {
                        let won = campaign(&candidate.cluster, election, candidate.instance.as_str(), ttl);
                        campaigns.push(Box::pin(async { (*number, won.await) }));
                    }
                }
            }
            tokio::select! {
                Some((number, leadership)) = campaigns.next() => {
                    standing.remove(&number);
                    self.held.insert(number, leadership);
                }
                number = lost(&self.held) => drop(self.held.remove(&number)),
                () = instances.changed() => {}
                () = stop.cancelled() => break,
            }
        }
        drop(campaigns);
        let held = std::mem::take(&mut self.held);
        self.tell();
        // Late or not: leases end by themselves.
        let _ = timeout(candidate.cluster.parting(), join_all(held.into_values().map(Leadership::resign))).await;
    }

    fn give_up_beyond(&mut self, share: usize) {
        while self.held.len() > share {
            // Dropped, it is resigned.
            drop(self.held.pop_last());
        }
    }

    fn tell(&self) {
        let now: BTreeSet<u16> = self.held.keys().copied().collect();
        self.owned.send_if_modified(|owned| {
            let is_new = *owned != now;
            *owned = now;
            is_new
        });
    }
}

/// How many duties an instance owns at most. One that is not listed yet, or of which no coordinator has told, counts itself.
fn share(duties: usize, instances: usize) -> usize {
    duties.div_ceil(instances.max(1))
}

/// Waits until one of them is not led by this instance any more.
async fn lost(held: &BTreeMap<u16, Leadership>) -> u16 {
    if held.is_empty() {
        return std::future::pending().await;
    }
    let lost = held.iter().map(|(number, leadership)| {
        Box::pin(async {
            leadership.lost().await;
            *number
        })
    });
    select_all(lost).await.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_leave_nothing_out() {
        assert_eq!([0, 1, 2, 3, 5, 8, 9].map(|instances| share(8, instances)), [8, 8, 4, 3, 2, 1, 1]);
    }
}
