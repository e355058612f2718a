//! Where a snapshot stands, as raft and as the store say it.

use raft::eraftpb::{ConfState, SnapshotMetadata};

use crate::{api::logpb::SnapshotHead, store::Position};

/// What raft has to know of a snapshot whose first chunk this is.
#[must_use]
pub fn metadata(head: &SnapshotHead) -> SnapshotMetadata {
    let conf_state = ConfState {
        voters: head.voters.clone(),
        learners: head.learners.clone(),
        voters_outgoing: head.voters_outgoing.clone(),
        learners_next: head.learners_next.clone(),
        auto_leave: head.auto_leave,
    };
    SnapshotMetadata { conf_state: Some(conf_state), index: head.index, term: head.term }
}

/// Where a snapshot is to stand.
#[must_use]
pub fn position(cluster_id: u64, metadata: &SnapshotMetadata) -> Position {
    let ConfState { voters, learners, voters_outgoing, learners_next, auto_leave } =
        metadata.conf_state.clone().unwrap_or_default();
    let (index, term) = (metadata.index, metadata.term);
    Position { cluster_id, index, term, voters, learners, voters_outgoing, learners_next, auto_leave }
}
