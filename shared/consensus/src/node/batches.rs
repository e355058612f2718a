//! Commands on their way into the log: proposed together, and proposed again when a leader was lost.

use std::collections::{BTreeMap, HashMap, VecDeque};

use prost::Message as _;
use raft::RawNode;

use super::{CallId, entries::Entries};
use crate::api::logpb::{Batch, Command};

/// What waits to be proposed, and what was proposed and isn't applied yet.
///
/// A batch that went to a leader which then failed may be in the log, or lost. It is proposed again under the same
/// number, and the state machine applies a number once: a client need not see that a leader was lost.
pub(super) struct Batches {
    origin: u64,
    boot: u64,
    limit: usize,
    last: u64,
    ticks: u64,
    queue: VecDeque<(CallId, Command)>,
    pending: BTreeMap<u64, Pending>,
    unproposed: VecDeque<u64>,
    changes: HashMap<u64, CallId>,
}

struct Pending {
    calls: Vec<CallId>,
    data: Vec<u8>,
    /// Tick of the last time it was handed to raft.
    proposed: u64,
}

impl Batches {
    pub(super) fn new(origin: u64, boot: u64, limit: usize) -> Self {
        Self {
            origin,
            boot,
            limit,
            last: 0,
            ticks: 0,
            queue: VecDeque::new(),
            pending: BTreeMap::new(),
            unproposed: VecDeque::new(),
            changes: HashMap::new(),
        }
    }

    pub(super) fn extend(&mut self, calls: impl IntoIterator<Item = (CallId, Command)>) {
        self.queue.extend(calls);
    }

    /// The number under which a configuration change is answered. It isn't proposed again: it names the members as they
    /// were when it was asked for.
    pub(super) fn await_change(&mut self, call: CallId) -> u64 {
        self.last += 1;
        self.changes.insert(self.last, call);
        self.last
    }

    pub(super) fn forget(&mut self, call: CallId) {
        self.queue.retain(|(waiting, _)| *waiting != call);
        self.changes.retain(|_, waiting| *waiting != call);
        let holding = self.pending.iter_mut().find(|(_, pending)| pending.calls.contains(&call));
        if let Some((number, pending)) = holding {
            // An answer of the batch goes by position: the place stays, as nobody's.
            pending.calls.iter_mut().filter(|waiting| **waiting == call).for_each(|waiting| *waiting = NOBODY);
            if pending.calls.iter().all(|waiting| *waiting == NOBODY) {
                let number = *number;
                self.pending.remove(&number);
            }
        }
    }

    pub(super) fn tick(&mut self, patience: u64) {
        self.ticks += 1;
        let late = |pending: &Pending| self.ticks - pending.proposed >= patience;
        let again: Vec<u64> =
            self.pending.iter().filter(|(_, pending)| late(pending)).map(|(number, _)| *number).collect();
        for number in again {
            if !self.unproposed.contains(&number) {
                self.unproposed.push_back(number);
            }
        }
    }

    /// Everything that isn't applied goes to the new leader.
    pub(super) fn again(&mut self) {
        self.unproposed = self.pending.keys().copied().collect();
    }

    pub(super) fn hand_over(&mut self, raw: &mut RawNode<Entries>) {
        while !self.queue.is_empty() {
            self.seal();
        }
        if raw.raft.leader_id == 0 {
            return;
        }
        let leads = raw.raft.leader_id == raw.raft.id;
        while let Some(number) = self.unproposed.pop_front() {
            let Some(pending) = self.pending.get_mut(&number) else { continue };
            if leads && pending.proposed != 0 && stands_in(raw, &pending.data) {
                pending.proposed = self.ticks;
                continue;
            }
            if raw.propose(Vec::new(), pending.data.clone()).is_err() {
                self.unproposed.push_front(number);
                return;
            }
            pending.proposed = self.ticks.max(1);
        }
    }

    /// Commands of a leader that hold only while it leads this term. Nobody waits for them.
    pub(super) fn propose_in_term(&mut self, raw: &mut RawNode<Entries>, term: u64, commands: Vec<Command>) {
        let batch = Batch { only_in_term: term, ..self.number(commands) };
        if raw.propose(Vec::new(), batch.encode_to_vec()).is_err() {
            tracing::debug!(term, "not proposed, as this member no longer leads");
        }
    }

    /// Who waits for a batch of this member, in the order of its commands.
    pub(super) fn applied(&mut self, number: u64) -> Vec<CallId> {
        self.pending.remove(&number).map(|pending| pending.calls).unwrap_or_default()
    }

    /// Who waits for a configuration change of this member.
    pub(super) fn changed(&mut self, number: u64) -> Option<CallId> {
        self.changes.remove(&number)
    }

    /// Makes one batch of what waits at the front.
    fn seal(&mut self) {
        let mut calls = Vec::new();
        let mut commands = Vec::new();
        let mut bytes = 0;
        while let Some((_, command)) = self.queue.front() {
            bytes += command.encoded_len();
            if !calls.is_empty() && bytes > self.limit {
                break;
            }
            let (call, command) = self.queue.pop_front().expect("there is a front");
            calls.push(call);
            commands.push(command);
        }
        let batch = self.number(commands);
        self.pending.insert(batch.number, Pending { calls, data: batch.encode_to_vec(), proposed: 0 });
        self.unproposed.push_back(batch.number);
    }

    fn number(&mut self, commands: Vec<Command>) -> Batch {
        self.last += 1;
        let settled = self.pending.first_key_value().map_or(self.last, |(first, _)| *first);
        let (origin, boot, number) = (self.origin, self.boot, self.last);
        Batch { origin, boot, number, settled, commands, only_in_term: 0 }
    }
}

/// Whether a leader's own log still holds this: proposing it again would only make the log longer.
fn stands_in(raw: &RawNode<Entries>, data: &[u8]) -> bool {
    let log = raw.store();
    let from = (raw.raft.raft_log.committed + 1).max(log.first());
    from <= log.last() && log.between(from, log.last() + 1).any(|entry| entry.data == data)
}

/// The place of a call that nobody waits for.
pub(super) const NOBODY: CallId = CallId::MAX;
