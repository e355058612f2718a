//! Where a member stands, and the others as it sees them.

use raft::StateRole;

use super::Node;

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

impl Node {
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
}
