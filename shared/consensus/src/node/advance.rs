//! One step: what raft has to say is written, sent and applied, and what waits for raft is given to it.

use super::{Node, Output};
use crate::faults::{self, Fault};

impl Node {
    /// The write of this number is on the disk, and all before it.
    pub fn persisted(&mut self, number: u64) {
        self.outlet.persisted(number, &mut self.raw);
        self.tell_applied();
    }

    /// Does all that can be done now, and says what the driver has to do. Call it after every input, or after several.
    pub fn advance(&mut self) -> Output {
        self.take_all_ready();
        while self.take_over() {
            self.take_all_ready();
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

    fn take_all_ready(&mut self) {
        self.observe_role();
        self.hand_over();
        while self.raw.has_ready() {
            self.commit_too_early();
            self.take_ready();
            self.observe_role();
            self.hand_over();
        }
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
}
