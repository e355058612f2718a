//! Linearizable reads: many under one `ReadIndex` round (dissertation, section 6.4).

use std::collections::VecDeque;

use raft::RawNode;

use super::{CallId, entries::Entries};

/// A read that may be served from the store now, or a lease that was kept alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// As the driver called it.
    pub call: CallId,
    /// For a lease to be kept alive: its time to live in seconds; `None` where it isn't known or has ended.
    pub time_to_live: Option<i64>,
    /// For a lease to be kept alive: whether this member led from when the call arrived until now. Where it didn't,
    /// the lease is as it was, and the caller asks the leader.
    pub led: bool,
}

/// A call waiting for its round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) call: CallId,
    pub(super) lease: Option<KeepAlive>,
}

/// A lease to keep alive, from when, and in which term the call arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeepAlive {
    pub(super) lease: i64,
    pub(super) at: u64,
    pub(super) term: u64,
}

/// Reads by how far they are: waiting for a round, in one, confirmed at an index that isn't applied yet.
pub(super) struct Reads {
    id: u64,
    boot: u64,
    /// Counts rounds: raft tells them apart by what it is given, so no two may ever be equal.
    rounds: u64,
    ticks: u64,
    queue: Vec<Waiting>,
    flight: Option<Flight>,
    indexed: VecDeque<(u64, Vec<Waiting>)>,
}

/// One round. When it seems lost it is asked again, under new numbers: the answer to any of them confirms all who wait
/// in it, because all of them arrived before the first was sent.
struct Flight {
    first: u64,
    last: u64,
    sent: u64,
    again: bool,
    waiting: Vec<Waiting>,
}

impl Reads {
    pub(super) fn new(id: u64, boot: u64) -> Self {
        Self { id, boot, rounds: 0, ticks: 0, queue: Vec::new(), flight: None, indexed: VecDeque::new() }
    }

    pub(super) fn push(&mut self, call: CallId, lease: Option<KeepAlive>) {
        self.queue.push(Waiting { call, lease });
    }

    pub(super) fn forget(&mut self, call: CallId) {
        let keep = |waiting: &Waiting| waiting.call != call;
        self.queue.retain(keep);
        self.indexed.iter_mut().for_each(|(_, waiting)| waiting.retain(keep));
        if let Some(flight) = &mut self.flight {
            flight.waiting.retain(keep);
        }
    }

    pub(super) fn tick(&mut self, patience: u64) {
        self.ticks += 1;
        if let Some(flight) = self.flight.as_mut().filter(|flight| self.ticks - flight.sent >= patience.div_ceil(2)) {
            flight.again = true;
        }
    }

    /// A new leader knows nothing of the round.
    pub(super) fn again(&mut self) {
        if let Some(flight) = &mut self.flight {
            flight.again = true;
        }
    }

    pub(super) fn hand_over(&mut self, raw: &mut RawNode<Entries>) {
        // A leader must have committed an entry of its own term before it knows what is committed; raft drops a read
        // that comes earlier.
        let leads = raw.raft.leader_id == raw.raft.id;
        if raw.raft.leader_id == 0 || leads && !raw.raft.commit_to_current_term() {
            return;
        }
        if self.flight.is_none() && !self.queue.is_empty() {
            let waiting = std::mem::take(&mut self.queue);
            let first = self.rounds + 1;
            self.flight = Some(Flight { first, last: 0, sent: 0, again: true, waiting });
        }
        if let Some(flight) = self.flight.as_mut().filter(|flight| flight.again) {
            self.rounds += 1;
            flight.last = self.rounds;
            flight.sent = self.ticks;
            flight.again = false;
            raw.read_index(self.context(self.rounds));
        }
    }

    /// Raft confirmed a round: it may be served once `index` is applied.
    pub(super) fn indexed(&mut self, context: &[u8], index: u64) {
        let round = self.round(context);
        let confirmed = |flight: &Flight| round.is_some_and(|round| (flight.first..=flight.last).contains(&round));
        if let Some(flight) = self.flight.take_if(|flight| confirmed(flight)) {
            self.indexed.push_back((index, flight.waiting));
        }
    }

    /// Who may be served when everything up to `applied` is applied.
    pub(super) fn ready(&mut self, applied: u64) -> Option<Vec<Waiting>> {
        let index = self.indexed.front()?.0;
        if index > applied { None } else { self.indexed.pop_front().map(|(_, waiting)| waiting) }
    }

    /// Everything that waits, confirmed or not.
    pub(super) fn take_unconfirmed(&mut self) -> Vec<Waiting> {
        let mut all = std::mem::take(&mut self.queue);
        all.extend(self.flight.take().into_iter().flat_map(|flight| flight.waiting));
        all
    }

    fn context(&self, round: u64) -> Vec<u8> {
        [self.id, self.boot, round].iter().flat_map(|number| number.to_be_bytes()).collect()
    }

    fn round(&self, context: &[u8]) -> Option<u64> {
        let (own, round) = context.split_at_checked(16)?;
        let round = u64::from_be_bytes(round.try_into().ok()?);
        (own == &self.context(round)[..16]).then_some(round)
    }
}
