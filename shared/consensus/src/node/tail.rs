//! How much of the log stays in memory, and how much of it is worth a snapshot.

use raft::StateRole;

use super::Node;
use crate::store::Store;

/// How many times [`Config::tail_bytes`](super::Config::tail_bytes) are kept for a member that can be reached and is
/// behind.
const PATIENCE: usize = 16;
/// A store below this is saved as often as the configuration says.
const SMALL_STORE: u64 = 16 << 20;
/// A larger one when the log has grown by this part of it: what is written for snapshots stays in proportion to what is
/// written at all, and so does what a start has to replay.
const PART: u64 = 4;

impl Node {
    /// Forgets applied entries beyond the tail. They are on the disk still, for a start; a member that lacks them is
    /// sent a snapshot.
    pub(super) fn shorten_tail(&mut self) {
        let (held, kept) = (self.raw.store().bytes(), self.config.tail_bytes);
        if held <= kept {
            return;
        }
        // What raft counts as applied is on this member's disk, too: raft doesn't ask for it again.
        let applied = self.raw.raft.raft_log.applied;
        let needless = if held > kept.saturating_mul(PATIENCE) { applied } else { applied.min(self.had_by_others()) };
        self.raw.mut_store().shrink(needless, kept);
    }

    /// Up to which entry all that can be reached are, or will be with the snapshot on its way.
    fn had_by_others(&self) -> u64 {
        if self.raw.raft.state != StateRole::Leader {
            return u64::MAX;
        }
        let others = self.raw.raft.prs().iter().filter(|(id, other)| **id != self.config.id && other.recent_active);
        others.map(|(_, other)| other.matched.max(other.pending_snapshot)).min().unwrap_or(u64::MAX)
    }
}

/// Bytes of log that make another snapshot worth its costs.
pub(super) fn worth_a_snapshot(store: &Store) -> u64 {
    let size = store.size();
    if size < SMALL_STORE { 0 } else { size / PART }
}
