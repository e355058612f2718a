//! One member of the cluster without any I/O: what arrives goes in, what is to be written, sent and answered comes out.
//!
//! The same node runs on disks and sockets, where a driver writes and sends what [`Output`] holds, and in the
//! simulator, which loses, delays and reorders it. Time comes in with [`Node::tick`], randomness from a seed.
//!
//! Raft itself is the `raft` crate's: Ongaro's dissertation (2014) with pre-vote (section 9.6), a check of the quorum
//! by the leader (6.2), leadership transfer (3.10), reads by `ReadIndex` (6.4) and entries sent before the leader's
//! own disk has them (10.2.1).

mod apply;
mod batches;
mod entries;
mod leases;
mod logger;
mod membership;
mod outlet;
mod position;
mod reads;
mod tail;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use raft::{
    RawNode, SnapshotStatus, StateRole,
    eraftpb::{ConfState, Entry, HardState, Message, SnapshotMetadata},
};
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use self::{
    batches::Batches,
    entries::Entries,
    leases::Lessor,
    outlet::Outlet,
    reads::{KeepAlive, Reads},
    tail::worth_a_snapshot,
};
pub use self::{
    membership::Refusal,
    outlet::{Answer, Output, Write},
    position::{metadata, position},
    reads::Confirmed,
};
use crate::{
    api::logpb::{Command, MemberChange},
    faults::{self, Fault},
    store::Store,
};

/// Names one call between the driver and the node, until it is answered. The driver chooses it.
pub type CallId = u64;

/// How a member runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// This member's identifier. Never 0.
    pub id: u64,
    /// The cluster's, which snapshots name.
    pub cluster_id: u64,
    /// How many times this member has started, this time included: tells its batches from those of an earlier life.
    pub boot: u64,
    /// Ticks without a word of the leader before a follower asks for votes, at least; at most half as many more.
    pub election_ticks: usize,
    /// Ticks between two heartbeats.
    pub heartbeat_ticks: usize,
    /// Entries applied since the last snapshot that make a new one due.
    pub snapshot_entries: u64,
    /// Bytes of entries since the last snapshot that make a new one due.
    pub snapshot_bytes: usize,
    /// Entries kept before a snapshot, for members that lag a little.
    pub catch_up_entries: u64,
    /// Bytes of applied entries kept in memory, unless a member that can be reached needs more of them.
    pub tail_bytes: usize,
    /// What one append message holds at most, in bytes.
    pub message_bytes: u64,
    /// What one batch of commands holds at most, in bytes, unless one command alone is larger.
    pub batch_bytes: usize,
    /// Of every random choice.
    pub seed: u64,
}

/// What a member knew when it stopped.
pub struct Recovered {
    /// The state machine as the newest snapshot has it.
    pub store: Store,
    /// Where that snapshot stands, with the configuration there. Of a member that joins: all zero.
    pub snapshot: SnapshotMetadata,
    /// The newest hard state in the log.
    pub hard_state: HardState,
    /// Entries after the snapshot.
    pub entries: Vec<Entry>,
}

/// Where a member stands, for people and for decisions of the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The current term.
    pub term: u64,
    /// The leader of that term, 0 when not known.
    pub leader: u64,
    /// Whether this member is that leader.
    pub is_leader: bool,
    /// Whether it may vote, by the configuration it has applied.
    pub is_voter: bool,
    /// Index of the last entry it holds.
    pub last: u64,
    /// Index of the last entry it knows committed.
    pub committed: u64,
    /// Index of the last entry applied to the store.
    pub applied: u64,
    /// Whether an applied change took it out of the cluster.
    pub removed: bool,
}

/// How far another member is, as the leader sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The member.
    pub id: u64,
    /// Index up to which its log is known equal to the leader's.
    pub matched: u64,
    /// Whether it answered since the leader last checked its quorum.
    pub active: bool,
    /// Whether it is being sent a snapshot.
    pub in_snapshot: bool,
}

/// One member.
pub struct Node {
    config: Config,
    raw: RawNode<Entries>,
    store: Arc<RwLock<Store>>,
    rng: SmallRng,
    /// Nanoseconds of the driver's monotonic clock.
    now: u64,
    applied: u64,
    role: Role,
    election_timeout: usize,
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

/// What raft's timers depend on: a new one draws a new election timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Role {
    term: u64,
    leader: u64,
    is_leader: bool,
    campaigns: u64,
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
        let raw = RawNode::new(&raft_config(&config, applied), log, &logger::to_tracing(config.id))?;
        let mut node = Self {
            rng: SmallRng::seed_from_u64(config.seed ^ config.id.rotate_left(32) ^ config.boot),
            batches: Batches::new(config.id, config.boot, config.batch_bytes),
            reads: Reads::new(config.id, config.boot),
            lessor: Lessor::default(),
            outlet: Outlet::new(raw.raft.term),
            store: Arc::new(RwLock::new(store)),
            election_timeout: config.election_ticks,
            role: Role::default(),
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
        self.raw.raft.set_randomized_election_timeout(self.election_timeout);
        self.raw.tick();
        if matches!(self.raw.raft.state, StateRole::PreCandidate | StateRole::Candidate) {
            self.role.campaigns += 1;
            self.draw_election_timeout();
        }
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
        if let Err(error) = self.raw.step(message) {
            tracing::debug!(member = self.config.id, %error, "raft refused a message");
        }
    }

    /// A snapshot message arrived, and its store has been restored from the chunks sent with it.
    pub fn receive_snapshot(&mut self, message: Message, store: Store) {
        let index = message.get_snapshot().get_metadata().index;
        self.receive(message);
        // One that raft has no use for must not take the place of one that it accepted.
        let accepted = self.raw.raft.raft_log.unstable.snapshot.as_ref();
        if accepted.is_some_and(|snapshot| snapshot.get_metadata().index == index) {
            self.incoming = Some((index, store));
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

    /// Hands the leadership to another voter, which must be up to date; nothing happens on a member that doesn't lead.
    pub fn transfer_leadership(&mut self, to: u64) {
        self.raw.transfer_leader(to);
    }

    /// Messages to this member can't be delivered now.
    pub fn unreachable(&mut self, id: u64) {
        self.raw.report_unreachable(id);
    }

    /// A snapshot was sent to a member, or could not be.
    pub fn snapshot_sent(&mut self, id: u64, delivered: bool) {
        self.raw.report_snapshot(id, if delivered { SnapshotStatus::Finish } else { SnapshotStatus::Failure });
    }

    /// The write of this number is on the disk, and all before it.
    pub fn persisted(&mut self, number: u64) {
        self.outlet.persisted(number, &mut self.raw);
        self.tell_applied();
    }

    /// A snapshot asked for by [`Output::save_snapshot`] is on the disk. Returns up to where the log may be released.
    pub fn snapshot_saved(&mut self, metadata: SnapshotMetadata) -> u64 {
        self.saving = false;
        let index = metadata.index;
        let log = self.raw.mut_store();
        if index > log.snapshot.index {
            log.snapshot = metadata;
        }
        log.compact(index.saturating_sub(self.config.catch_up_entries));
        index
    }

    /// A snapshot asked for could not be written. It is asked for again when more entries have come.
    pub fn snapshot_failed(&mut self) {
        self.saving = false;
    }

    /// Where this member stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let raft = &self.raw.raft;
        Status {
            term: raft.term,
            leader: raft.leader_id,
            is_leader: raft.state == StateRole::Leader,
            is_voter: self.conf_state.voters.contains(&self.config.id),
            last: raft.raft_log.last_index(),
            committed: raft.raft_log.committed,
            applied: self.applied,
            removed: self.removed,
        }
    }

    /// How far the others are; empty unless this member leads.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        if self.raw.raft.state != StateRole::Leader {
            return Vec::new();
        }
        let mut all: Vec<_> = self
            .raw
            .raft
            .prs()
            .iter()
            .map(|(id, progress)| Progress {
                id: *id,
                matched: progress.matched,
                active: progress.recent_active || *id == self.config.id,
                in_snapshot: progress.pending_snapshot != 0,
            })
            .collect();
        all.sort_unstable_by_key(|progress| progress.id);
        all
    }

    /// Does all that can be done now, and says what the driver has to do. Call it after every input, or after several.
    pub fn advance(&mut self) -> Output {
        self.observe_role();
        self.hand_over();
        while self.raw.has_ready() {
            self.commit_too_early();
            self.take_ready();
            self.observe_role();
            self.hand_over();
        }
        self.confirm_reads();
        self.begin_snapshot_when_due();
        self.shorten_tail();
        let output = self.outlet.take();
        if let Some(write) = output.write.as_ref().filter(|_| faults::active(Fault::AcknowledgedBeforeSync)) {
            self.persisted(write.number);
        }
        output
    }

    /// Gives raft what waits: proposals, changes, reads.
    fn hand_over(&mut self) {
        self.batches.hand_over(&mut self.raw);
        self.hand_over_changes();
        self.reads.hand_over(&mut self.raw);
    }

    fn take_ready(&mut self) {
        let mut ready = self.raw.ready();
        self.outlet.messages.extend(ready.take_messages());
        if let Some(hard_state) = ready.hs() {
            self.raw.mut_store().hard_state = hard_state.clone();
        }
        let mut installed = None;
        if !ready.snapshot().is_empty() {
            let metadata = ready.snapshot().get_metadata().clone();
            self.install(&metadata);
            installed = Some(metadata);
        }
        self.raw.mut_store().append(ready.entries());
        for state in ready.take_read_states() {
            self.reads.indexed(&state.request_ctx, state.index);
        }
        self.apply(ready.take_committed_entries());
        self.outlet.write(&mut ready, installed);
        self.raw.advance_append_async(ready);
        self.outlet.settle(&mut self.raw);
        self.tell_applied();
    }

    /// Raft counts as applied only what is persisted; a snapshot's store serves before its mark is in the log.
    fn tell_applied(&mut self) {
        let persisted = self.raw.raft.raft_log.persisted;
        self.raw.advance_apply_to(self.applied.min(persisted));
    }

    /// Takes a snapshot's store in place of its own.
    fn install(&mut self, metadata: &SnapshotMetadata) {
        let (index, store) = self.incoming.take().expect("raft accepts only a snapshot message that came with a store");
        assert_eq!(index, metadata.index, "and that store is its own");
        *write(&self.store) = store;
        self.raw.mut_store().install(metadata.clone());
        self.conf_state = entries::conf_state(metadata);
        self.applied = index;
        self.lessor.clear();
        self.outlet.applied = true;
    }

    fn observe_role(&mut self) {
        let raft = &self.raw.raft;
        let is_leader = raft.state == StateRole::Leader;
        let role = Role { term: raft.term, leader: raft.leader_id, is_leader, campaigns: self.role.campaigns };
        if role == self.role {
            return;
        }
        let known = role.leader != 0 && (role.term, role.leader) != (self.role.term, self.role.leader);
        let was_leader = std::mem::replace(&mut self.role, role).is_leader;
        self.outlet.role = true;
        self.draw_election_timeout();
        if known {
            self.batches.again();
            self.reads.again();
        }
        if is_leader && !was_leader {
            self.lessor.promote(&read(&self.store), self.now);
        } else if was_leader && !is_leader {
            self.lessor.clear();
        }
    }

    /// raft draws its own timeout from the thread's random numbers; this one replaces it before it can matter, so that
    /// a run repeats from its seed.
    fn draw_election_timeout(&mut self) {
        let shortest = self.config.election_ticks;
        self.election_timeout = self.rng.random_range(shortest..longest_election(shortest));
    }

    fn begin_snapshot_when_due(&mut self) {
        let log = self.raw.store();
        let since = self.applied - log.snapshot.index.min(self.applied);
        let many = since >= self.config.snapshot_entries || self.since_snapshot >= self.config.snapshot_bytes;
        let due = log.wanted.get() || many && self.since_snapshot as u64 >= worth_a_snapshot(&read(&self.store));
        if !due || since == 0 || self.saving {
            return;
        }
        let term = raft::Storage::term(log, self.applied).expect("what was applied last stands in the log");
        let conf_state = self.conf_state.clone();
        let metadata = SnapshotMetadata { conf_state: Some(conf_state), index: self.applied, term };
        let snapshot = write(&self.store).begin_snapshot(position(self.config.cluster_id, &metadata));
        self.saving = true;
        self.since_snapshot = 0;
        self.raw.store().wanted.set(false);
        self.outlet.save_snapshot = Some((metadata, snapshot));
    }
}

/// Ticks an election timeout never reaches: half as many more again as the shortest, so that a dead leader is replaced
/// within two of the shortest, and yet two followers rarely start together.
fn longest_election(shortest: usize) -> usize {
    shortest + (shortest / 2).max(2)
}

fn raft_config(config: &Config, applied: u64) -> raft::Config {
    raft::Config {
        id: config.id,
        election_tick: config.election_ticks,
        heartbeat_tick: config.heartbeat_ticks,
        min_election_tick: config.election_ticks,
        max_election_tick: longest_election(config.election_ticks),
        applied,
        max_size_per_msg: config.message_bytes,
        max_inflight_msgs: 256,
        check_quorum: true,
        pre_vote: true,
        max_uncommitted_size: 256 << 20,
        max_committed_size_per_ready: 16 << 20,
        ..raft::Config::default()
    }
}

/// A lock around the store outlives a panic of a reader: readers change nothing.
fn read(store: &RwLock<Store>) -> RwLockReadGuard<'_, Store> {
    store.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(store: &RwLock<Store>) -> RwLockWriteGuard<'_, Store> {
    store.write().unwrap_or_else(PoisonError::into_inner)
}
