//! What a member starts with.

use raft::eraftpb::{Entry, HardState, SnapshotMetadata};

use super::elections::longest_election;
use crate::store::Store;

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

impl Config {
    /// The same for raft.
    pub(super) fn raft(&self, applied: u64) -> raft::Config {
        raft::Config {
            id: self.id,
            election_tick: self.election_ticks,
            heartbeat_tick: self.heartbeat_ticks,
            min_election_tick: self.election_ticks,
            max_election_tick: longest_election(self.election_ticks),
            applied,
            max_size_per_msg: self.message_bytes,
            max_inflight_msgs: 256,
            check_quorum: true,
            pre_vote: true,
            max_uncommitted_size: 256 << 20,
            max_committed_size_per_ready: 16 << 20,
            ..raft::Config::default()
        }
    }
}
