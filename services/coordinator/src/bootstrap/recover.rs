//! The state machine, and raft's state, from the log and the newest snapshot.

use std::path::Path;

use consensus::eraft::{ConfState, HardState, SnapshotMetadata};
use consensus::{
    api::{
        etcdserverpb::Member,
        logpb::{MemberChange, SnapshotHead, member_change::Kind},
    },
    disk::Real,
    log::{
        self, Log,
        snapshot::{self, Reader, Writer},
    },
    node,
    store::{Limits, Position, Restore, RestoreError, Store},
};

use super::{BootstrapError, identity::Owner};

/// Bytes of one piece of the first snapshot, which has no records.
const CHUNK_BYTES: usize = 64 << 10;

/// What a member knew when it stopped. A snapshot that can't be read gives way to the one before it.
pub(super) fn recover(
    log: &mut Log<Real>,
    data: &Path,
    found: &mut log::Recovered,
    limits: Limits,
) -> Result<node::Recovered, BootstrapError> {
    loop {
        let mark = found.snapshot.as_ref().map(|mark| mark.file.clone());
        let Some(file) = mark else { return Ok(joining(&[], limits)) };
        let path = snapshot::dir(data).join(file);
        match restore(&path, limits) {
            Ok((store, head)) => {
                let hard_state = found.hard_state.clone();
                let entries = std::mem::take(&mut found.entries);
                return Ok(node::Recovered { store, snapshot: metadata(head), hard_state, entries });
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a snapshot can't be read");
                // The reason it can't be read says more than that there is no other.
                log.fall_back(found).map_err(|_| error)?;
                if found.snapshot.is_none() {
                    let (path, source) = (path, RestoreError::Empty);
                    return Err(BootstrapError::Restore { path, source });
                }
            }
        }
    }
}

fn restore(path: &Path, limits: Limits) -> Result<(Store, SnapshotHead), BootstrapError> {
    let unfit = |source| BootstrapError::Restore { path: path.to_owned(), source };
    let mut restore = Restore::new(limits);
    for chunk in Reader::open(&Real, path)? {
        restore.push(chunk?).map_err(unfit)?;
    }
    restore.finish().map_err(unfit)
}

fn metadata(head: SnapshotHead) -> SnapshotMetadata {
    let SnapshotHead { index, term, voters, learners, voters_outgoing, learners_next, auto_leave, .. } = head;
    let conf_state = Some(ConfState { voters, learners, voters_outgoing, learners_next, auto_leave });
    SnapshotMetadata { conf_state, index, term }
}

/// The first state of a cluster, on the disk: as if its members had been added one by one, in the first term, to what
/// the store holds.
pub(super) fn first(
    log: &mut Log<Real>,
    data: &Path,
    owner: Owner,
    members: &[Member],
    mut store: Store,
) -> Result<node::Recovered, BootstrapError> {
    add(members, &mut store);
    let voters: Vec<u64> = members.iter().map(|member| member.id).collect();
    let (index, term) = (voters.len() as u64, 1);
    let cluster_id = owner.cluster_id;
    let position = Position { cluster_id, index, term, voters: voters.clone(), ..Position::default() };
    let mut taken = store.begin_snapshot(position);
    let mut writer = Writer::new(Real, data, cluster_id, index, term)?;
    while let Some(chunk) = store.snapshot_chunk(&mut taken, CHUNK_BYTES) {
        writer.push(&chunk)?;
    }
    store.end_snapshot(taken);
    let file = writer.finish()?;
    log.mark_snapshot(index, term, &file)?;
    let hard_state = HardState { term, vote: 0, commit: index };
    log.write(&log::Write { number: 0, hard_state: Some(&hard_state), entries: &[], sync: true })?;
    let conf_state = Some(ConfState { voters, ..ConfState::default() });
    Ok(node::Recovered {
        store,
        snapshot: SnapshotMetadata { conf_state, index, term },
        hard_state,
        entries: Vec::new(),
    })
}

/// A member that joins knows nothing but where the others are: the leader sends it the rest.
pub(super) fn joining(members: &[Member], limits: Limits) -> node::Recovered {
    let (snapshot, hard_state) = (SnapshotMetadata::default(), HardState::default());
    node::Recovered { store: store_of(members, limits), snapshot, hard_state, entries: Vec::new() }
}

fn store_of(members: &[Member], limits: Limits) -> Store {
    let mut store = Store::new(limits);
    add(members, &mut store);
    store
}

fn add(members: &[Member], store: &mut Store) {
    for member in members {
        let kind = if member.is_learner { Kind::AddLearner } else { Kind::Add };
        let member = Some(member.clone());
        store.change_members(&MemberChange { kind: kind.into(), member, ..MemberChange::default() });
    }
}
