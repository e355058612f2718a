//! One member of the cluster without any I/O: what arrives goes in, what is to be written, sent and answered comes out.
//!
//! The same node runs on disks and sockets, where a driver writes and sends what [`Output`] holds, and in the
//! simulator, which loses, delays and reorders it. Time comes in with [`Node::tick`], randomness from a seed.
//!
//! Raft itself is the `raft` crate's: Ongaro's dissertation (2014) with pre-vote (section 9.6), a check of the quorum
//! by the leader (6.2), leadership transfer (3.10), reads by `ReadIndex` (6.4) and entries sent before the leader's
//! own disk has them (10.2.1).

mod advance;
mod apply;
mod batches;
mod config;
mod elections;
mod entries;
mod leases;
mod logger;
mod membership;
mod outlet;
mod position;
mod reads;
mod snapshots;
mod status;
mod tail;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use raft::{
    RawNode,
    eraftpb::{ConfState, Message, MessageType},
};
use rand::{SeedableRng as _, rngs::SmallRng};

use self::{
    batches::Batches,
    elections::Elections,
    entries::Entries,
    leases::Lessor,
    outlet::Outlet,
    reads::{KeepAlive, Reads},
};
pub use self::{
    config::{Config, Recovered},
    membership::Refusal,
    outlet::{Answer, Output, Write},
    position::{metadata, position},
    reads::Confirmed,
    status::{Progress, Status},
};
use crate::{
    api::logpb::{Command, MemberChange},
    store::Store,
};

/// Names one call between the driver and the node, until it is answered. The driver chooses it.
pub type CallId = u64;

/// One member.
pub struct Node {
    config: Config,
    raw: RawNode<Entries>,
    store: Arc<RwLock<Store>>,
    rng: SmallRng,
    /// Nanoseconds of the driver's monotonic clock.
    now: u64,
    applied: u64,
    elections: Elections,
    batches: Batches,
    reads: Reads,
    lessor: Lessor,
    outlet: Outlet,
    /// Configuration changes waiting for raft to take them.
    changes: VecDeque<MemberChange>,
    conf_state: ConfState,
    removed: bool,
    /// A restored store whose snapshot message raft has yet to accept.
    incoming: Option<(u64, Store)>,
    /// Whether a snapshot is being written.
    saving: bool,
    /// Bytes of entries applied since the last snapshot began.
    since_snapshot: usize,
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("id", &self.config.id).field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Node {
    /// A member that goes on where it stopped, at `now` (nanoseconds of a monotonic clock).
    ///
    /// # Errors
    /// When raft refuses the configuration or what was recovered: neither is usable.
    pub fn start(config: Config, recovered: Recovered, now: u64) -> Result<Self, raft::Error> {
        let Recovered { store, snapshot, hard_state, entries } = recovered;
        let applied = snapshot.index;
        let conf_state = entries::conf_state(&snapshot);
        let mut log = Entries::after(snapshot, hard_state);
        log.append(&entries);
        let raw = RawNode::new(&config.raft(applied), log, &logger::to_tracing(config.id))?;
        let mut node = Self {
            rng: SmallRng::seed_from_u64(config.seed ^ config.id.rotate_left(32) ^ config.boot),
            batches: Batches::new(config.id, config.boot, config.batch_bytes),
            reads: Reads::new(config.id, config.boot),
            lessor: Lessor::default(),
            outlet: Outlet::new(raw.raft.term),
            store: Arc::new(RwLock::new(store)),
            elections: Elections::new(config.election_ticks),
            changes: VecDeque::new(),
            removed: false,
            incoming: None,
            saving: false,
            since_snapshot: 0,
            config,
            raw,
            now,
            applied,
            conf_state,
        };
        node.observe_role();
        Ok(node)
    }

    /// The state machine, to read from. A linearizable read waits for its [`Confirmed`] first.
    #[must_use]
    pub fn store(&self) -> &Arc<RwLock<Store>> {
        &self.store
    }

    /// Time has come to `now`, one tick after the last call.
    pub fn tick(&mut self, now: u64) {
        self.clock(now);
        self.tick_elections();
        self.batches.tick(self.config.election_ticks as u64);
        self.reads.tick(self.config.election_ticks as u64);
        self.expire_leases();
    }

    /// Time has come to `now`, between two ticks. To be called after inputs have arrived and before they are given to the
    /// node: it counts a lease's time from when it was asked to, which must not lie before the asker sent its request,
    /// however long the process stood still since the last tick.
    pub fn clock(&mut self, now: u64) {
        self.now = self.now.max(now);
    }

    /// A message of another member arrived. Snapshots go to [`receive_snapshot`](Self::receive_snapshot).
    pub fn receive(&mut self, message: Message) {
        if message.get_msg_type() == MessageType::MsgTimeoutNow {
            self.elections.asked_to_lead = Some(message);
        } else if let Err(error) = self.raw.step(message) {
            tracing::debug!(member = self.config.id, %error, "raft refused a message");
        }
    }

    /// Commands to replicate; each is answered once, when it has been applied or refused.
    pub fn propose(&mut self, calls: impl IntoIterator<Item = (CallId, Command)>) {
        self.batches.extend(calls);
    }

    /// Nobody waits for this call any longer. It may be applied yet.
    pub fn forget(&mut self, call: CallId) {
        self.batches.forget(call);
        self.reads.forget(call);
    }

    /// A read that must see everything acknowledged before now. It comes out as [`Confirmed`] once the store may serve it.
    pub fn read(&mut self, call: CallId) {
        self.reads.push(call, None);
    }

    /// Keeps a lease alive, as a read does: only a leader that was leader still, after the call arrived, may do so.
    /// Comes out as [`Confirmed`] with the time to live.
    pub fn keep_alive(&mut self, call: CallId, lease: i64) {
        let (at, term) = (self.now, self.raw.raft.term);
        self.reads.push(call, Some(KeepAlive { lease, at, term }));
    }

    /// Nanoseconds a lease has left by this member's clock; `None` where it isn't known or this isn't the leader.
    #[must_use]
    pub fn lease_remaining(&self, lease: i64) -> Option<u64> {
        self.lessor.remaining(lease, self.now)
    }

    /// Adds, promotes, updates or removes a member. Answered when applied.
    pub fn change_members(&mut self, call: CallId, change: MemberChange) {
        let number = self.batches.await_change(call);
        let (origin, boot) = (self.config.id, self.config.boot);
        self.changes.push_back(MemberChange { origin, boot, number, ..change });
    }

    /// Messages to this member can't be delivered now.
    pub fn unreachable(&mut self, id: u64) {
        self.raw.report_unreachable(id);
    }
}

/// A lock around the store outlives a panic of a reader: readers change nothing.
fn read(store: &RwLock<Store>) -> RwLockReadGuard<'_, Store> {
    store.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(store: &RwLock<Store>) -> RwLockWriteGuard<'_, Store> {
    store.write().unwrap_or_else(PoisonError::into_inner)
}
