//! Committed entries, one after the other, into the state machine.

use bytes::Bytes;
use prost::Message as _;
use prost_eraft::Message as _;
use raft::eraftpb::{ConfChangeV2, Entry, EntryType};

use super::{Answer, Confirmed, Node, batches::NOBODY, reads::Waiting, write};
use crate::{
    api::logpb::{Batch, Command, command::Operation},
    faults::{self, Fault},
};

impl Node {
    pub(super) fn apply(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            // What an earlier snapshot, or a fault put in, has applied.
            if entry.index <= self.applied {
                continue;
            }
            let (index, term, bytes) = (entry.index, entry.term, entry.data.len());
            match entry.get_entry_type() {
                EntryType::EntryNormal if entry.data.is_empty() => {}
                EntryType::EntryNormal => self.apply_batch(entry.data, term),
                EntryType::EntryConfChange => unreachable!("members propose changes of the second kind only"),
                EntryType::EntryConfChangeV2 => {
                    let change = ConfChangeV2::decode(entry.data.as_slice()).expect("raft encoded it");
                    self.apply_change(change);
                }
            }
            self.applied = index;
            self.since_snapshot += bytes;
            self.outlet.applied = true;
        }
    }

    fn apply_batch(&mut self, data: Vec<u8>, term: u64) {
        let batch = Batch::decode(Bytes::from(data)).expect("a member encoded it, and every record has a checksum");
        let own = batch.origin == self.config.id && batch.boot == self.config.boot;
        let calls = if own { self.batches.applied(batch.number) } else { Vec::new() };
        let mut store = write(&self.store);
        if !store.accept(batch.origin, batch.boot, batch.number, batch.settled) {
            let waiting = calls.into_iter().filter(|call| *call != NOBODY);
            self.outlet.answers.extend(waiting.map(Answer::Lost));
            return;
        }
        if batch.only_in_term != 0 && batch.only_in_term != term {
            return;
        }
        let mut calls = calls.into_iter();
        for command in batch.commands {
            let lease = lease_of(&command);
            let outcome = store.apply(command);
            match lease.filter(|_| outcome.is_ok()) {
                Some(Change::Granted(id, time_to_live)) => self.lessor.granted(id, time_to_live, self.now),
                Some(Change::Revoked(id)) => self.lessor.revoked(id),
                None => {}
            }
            if let Some(call) = calls.next().filter(|call| *call != NOBODY) {
                self.outlet.answers.push(Answer::Applied(call, outcome));
            }
        }
    }

    /// Serves reads whose index is applied.
    pub(super) fn confirm_reads(&mut self) {
        if faults::active(Fault::ReadWithoutQuorum) && self.elections.led_term().is_some() {
            let waiting = self.reads.take_unconfirmed();
            self.confirm(waiting);
        }
        while let Some(waiting) = self.reads.ready(self.applied) {
            self.confirm(waiting);
        }
    }

    fn confirm(&mut self, waiting: Vec<Waiting>) {
        for Waiting { call, lease } in waiting {
            let led = lease.is_some_and(|lease| self.elections.led_term() == Some(lease.term));
            let time_to_live = lease.filter(|_| led).and_then(|lease| self.lessor.renew(lease.lease, lease.at));
            self.outlet.confirmed.push(Confirmed { call, time_to_live, led });
        }
    }

    /// The fault put in here counts copies of any term, which raft's leader must not (dissertation, section 3.6.2).
    pub(super) fn commit_too_early(&mut self) {
        if faults::active(Fault::EarlierTermCommitted) && self.elections.led_term().is_some() {
            let index = self.raw.raft.mut_prs().maximal_committed_index().0;
            let log = &mut self.raw.raft.raft_log;
            log.commit_to(index.min(log.last_index()));
        }
    }
}

enum Change {
    Granted(i64, i64),
    Revoked(i64),
}

fn lease_of(command: &Command) -> Option<Change> {
    match command.operation.as_ref()? {
        Operation::LeaseGrant(grant) => Some(Change::Granted(grant.id, grant.ttl)),
        Operation::LeaseRevoke(revoke) => Some(Change::Revoked(revoke.id)),
        _ => None,
    }
}
