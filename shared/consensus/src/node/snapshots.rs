//! Snapshots: of this member's own store, and of others' in its place.

use raft::{
    SnapshotStatus,
    eraftpb::{Message, SnapshotMetadata},
};

use super::{Node, entries, position, read, tail::worth_a_snapshot, write};
use crate::store::Store;

impl Node {
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

    /// A snapshot was sent to a member, or could not be.
    pub fn snapshot_sent(&mut self, id: u64, delivered: bool) {
        self.raw.report_snapshot(id, if delivered { SnapshotStatus::Finish } else { SnapshotStatus::Failure });
    }

    /// A snapshot asked for by [`Output::save_snapshot`](super::Output::save_snapshot) is on the disk. The log may be
    /// released up to its index.
    pub fn snapshot_saved(&mut self, metadata: SnapshotMetadata) {
        self.saving = false;
        let index = metadata.index;
        let log = self.raw.mut_store();
        if index > log.snapshot.index {
            log.snapshot = metadata;
        }
        log.compact(index.saturating_sub(self.config.catch_up_entries));
    }

    /// A snapshot asked for could not be written. It is asked for again when more entries have come.
    pub fn snapshot_failed(&mut self) {
        self.saving = false;
    }

    /// Takes a snapshot's store in place of its own.
    pub(super) fn install(&mut self, metadata: &SnapshotMetadata) {
        let (index, store) = self.incoming.take().expect("raft accepts only a snapshot message that came with a store");
        assert_eq!(index, metadata.index, "and that store is its own");
        *write(&self.store) = store;
        self.raw.mut_store().install(metadata.clone());
        self.conf_state = entries::conf_state(metadata);
        self.applied = index;
        self.lessor.clear();
        self.outlet.applied = true;
    }

    pub(super) fn begin_snapshot_when_due(&mut self) {
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
