//! When leases end. Only the leader's clock counts, and a lease ends only by a command in the log.

use std::collections::{BTreeSet, HashMap};

use super::Node;
use crate::{
    api::{
        etcdserverpb::LeaseRevokeRequest,
        logpb::{Command, command::Operation},
    },
    store::Store,
};

/// Leases ended by one tick at most: the rest follows with the next.
const ENDED_AT_ONCE: usize = 1_000;

/// Nanoseconds after which an end that was proposed, and not applied, is proposed again.
const PROPOSE_AGAIN: u64 = 3_000_000_000;

const SECOND: u64 = 1_000_000_000;

/// A leader's view of when each lease ends, in nanoseconds of its own monotonic clock.
///
/// A new leader gives every lease its whole time again: it can't know when it was last kept alive, and a lease may end
/// late, never early.
#[derive(Default)]
pub(super) struct Lessor {
    leads: bool,
    leases: HashMap<i64, Lease>,
    by_deadline: BTreeSet<(u64, i64)>,
}

struct Lease {
    time_to_live: i64,
    deadline: u64,
    /// Its end is proposed: nothing keeps it alive any more.
    ending: bool,
}

impl Lessor {
    pub(super) fn promote(&mut self, store: &Store, now: u64) {
        self.clear();
        self.leads = true;
        for (id, time_to_live) in store.leases() {
            self.granted(id, time_to_live, now);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn granted(&mut self, id: i64, time_to_live: i64, now: u64) {
        if self.leads {
            self.revoked(id);
            let deadline = now.saturating_add(nanos(time_to_live));
            self.leases.insert(id, Lease { time_to_live, deadline, ending: false });
            self.by_deadline.insert((deadline, id));
        }
    }

    pub(super) fn revoked(&mut self, id: i64) {
        if let Some(lease) = self.leases.remove(&id) {
            self.by_deadline.remove(&(lease.deadline, id));
        }
    }

    /// Gives a lease its whole time again, counted from `at`. Returns the seconds, or `None` where it has ended.
    pub(super) fn renew(&mut self, id: i64, at: u64) -> Option<i64> {
        let lease = self.leases.get_mut(&id).filter(|lease| !lease.ending)?;
        let deadline = at.saturating_add(nanos(lease.time_to_live)).max(lease.deadline);
        self.by_deadline.remove(&(lease.deadline, id));
        self.by_deadline.insert((deadline, id));
        lease.deadline = deadline;
        Some(lease.time_to_live)
    }

    pub(super) fn remaining(&self, id: i64, now: u64) -> Option<u64> {
        let lease = self.leases.get(&id)?;
        Some(if lease.ending { 0 } else { lease.deadline.saturating_sub(now) })
    }

    /// Leases whose time is over.
    fn ended(&mut self, now: u64) -> Vec<i64> {
        let mut ended = Vec::new();
        while ended.len() < ENDED_AT_ONCE {
            let Some(&(deadline, id)) = self.by_deadline.first().filter(|(deadline, _)| *deadline <= now) else {
                break;
            };
            self.by_deadline.remove(&(deadline, id));
            let again = now + PROPOSE_AGAIN;
            let lease = self.leases.get_mut(&id).expect("both hold the same leases");
            lease.ending = true;
            lease.deadline = again;
            self.by_deadline.insert((again, id));
            ended.push(id);
        }
        ended
    }
}

impl Node {
    /// Ends leases whose time is over, in the name of this term only: a leader that was replaced without knowing must not
    /// end what its successor has kept alive.
    pub(super) fn expire_leases(&mut self) {
        // A message may have ended the leadership since this member last looked: what it knows of leases is then of an
        // earlier term, and must not be proposed in the name of the one that has begun.
        self.observe_role();
        let Some(term) = self.elections.led_term() else { return };
        let ended = self.lessor.ended(self.now);
        if ended.is_empty() {
            return;
        }
        let revoke = |id| Command { operation: Some(Operation::LeaseRevoke(LeaseRevokeRequest { id })) };
        self.batches.propose_in_term(&mut self.raw, term, ended.into_iter().map(revoke).collect());
    }
}

fn nanos(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or_default().saturating_mul(SECOND)
}
