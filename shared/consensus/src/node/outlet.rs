//! What a node hands to its driver, and in which order things may leave.

use std::collections::VecDeque;

use raft::{
    RawNode, Ready,
    eraftpb::{Entry, HardState, Message, MessageType, SnapshotMetadata},
};

use super::{CallId, Confirmed, entries::Entries, membership::Refusal};
use crate::{
    api::etcdserverpb::Member,
    faults::{self, Fault},
    store,
};

/// What the driver has to do after [`advance`](super::Node::advance), in any order.
#[derive(Debug, Default)]
pub struct Output {
    /// To other members, now. A message of type `MsgSnapshot` carries no data: the driver sends the file of that index and
    /// term with it.
    pub messages: Vec<Message>,
    /// To the log, then [`persisted`](super::Node::persisted). At most one is on its way at a time.
    pub write: Option<Write>,
    /// To those who proposed.
    pub answers: Vec<Answer>,
    /// To those who read.
    pub confirmed: Vec<Confirmed>,
    /// A snapshot that has begun, to be written and then [`reported`](super::Node::snapshot_saved).
    pub save_snapshot: Option<(SnapshotMetadata, store::Snapshot)>,
    /// Whether anything was applied: watchers have something to see.
    pub applied: bool,
    /// Whether term, leader or role changed.
    pub role: bool,
}

/// What the log has to hold, all of it, before the write counts as done.
#[derive(Debug, Default)]
pub struct Write {
    /// Names it for [`persisted`](super::Node::persisted).
    pub number: u64,
    /// A snapshot that was taken in place of the log so far; its file is on the disk already. Comes before the rest.
    pub snapshot: Option<SnapshotMetadata>,
    /// Entries in order, without a gap. The first replaces what the log has at its index and after it.
    pub entries: Vec<Entry>,
    /// The newest hard state.
    pub hard_state: Option<HardState>,
}

/// The end of a proposal.
#[derive(Debug)]
pub enum Answer {
    /// A command was applied, or refused by the state machine.
    Applied(CallId, Result<store::Outcome, store::Error>),
    /// The members after a change, or why it was refused.
    Changed(CallId, Result<Vec<Member>, Refusal>),
    /// A command was applied, with what came of it known to nobody here: a snapshot stood in for its entry.
    Lost(CallId),
}

/// Keeps what must not leave yet.
pub(super) struct Outlet {
    pub(super) messages: Vec<Message>,
    pub(super) answers: Vec<Answer>,
    pub(super) confirmed: Vec<Confirmed>,
    pub(super) save_snapshot: Option<(SnapshotMetadata, store::Snapshot)>,
    pub(super) applied: bool,
    pub(super) role: bool,
    numbers: u64,
    /// Of the write at the driver: its number, and that of raft's last ready it covers.
    in_flight: Option<(u64, u64)>,
    /// What follows it, with raft's last ready.
    next: Option<(Write, u64)>,
    /// A change of the commit index alone needs no write of its own: it goes with the next.
    lazy: Option<HardState>,
    /// Messages that say something of what isn't written yet, by raft's ready.
    held: VecDeque<(u64, Vec<Message>)>,
    /// The term the disk has, and the one it will have after the write in flight.
    persisted_term: u64,
    in_flight_term: u64,
    /// Raft's ready that needed no write while none was on its way.
    nothing_to_write: Option<u64>,
}

impl Outlet {
    pub(super) fn new(term: u64) -> Self {
        Self {
            messages: Vec::new(),
            answers: Vec::new(),
            confirmed: Vec::new(),
            save_snapshot: None,
            applied: false,
            role: false,
            numbers: 0,
            in_flight: None,
            next: None,
            lazy: None,
            held: VecDeque::new(),
            persisted_term: term,
            in_flight_term: term,
            nothing_to_write: None,
        }
    }

    /// Takes what a ready wants written, and the messages that must wait for it.
    pub(super) fn write(&mut self, ready: &mut Ready, snapshot: Option<SnapshotMetadata>) {
        let number = ready.number();
        let must = ready.must_sync();
        if let Some(hard_state) = ready.hs() {
            self.lazy = Some(hard_state.clone());
        }
        if must {
            let (write, covers) = self.next.get_or_insert_default();
            *covers = number;
            if snapshot.is_some() {
                write.snapshot = snapshot;
                write.entries.clear();
            }
            let entries = ready.take_entries();
            // A leader's entries replace what another's left here to be written: a write has no index twice.
            if let Some(first) = entries.first() {
                write.entries.truncate(write.entries.partition_point(|entry| entry.index < first.index));
            }
            write.entries.extend(entries);
        } else if let Some((_, covers)) = &mut self.next {
            *covers = number;
        } else if let Some((_, covers)) = &mut self.in_flight {
            *covers = number;
        } else {
            self.nothing_to_write = Some(number);
        }
        self.hold(number, ready.take_persisted_messages());
    }

    /// Tells raft of a ready that needed no write. To be called once raft has taken the ready back.
    pub(super) fn settle(&mut self, raw: &mut RawNode<Entries>) {
        if let Some(number) = self.nothing_to_write.take() {
            raw.on_persist_ready(number);
            self.release(number);
        }
    }

    pub(super) fn persisted(&mut self, number: u64, raw: &mut RawNode<Entries>) {
        let Some((_, covers)) = self.in_flight.take_if(|(write, _)| *write == number) else { return };
        self.persisted_term = self.in_flight_term;
        raw.on_persist_ready(covers);
        self.release(covers);
    }

    pub(super) fn take(&mut self) -> Output {
        Output {
            messages: std::mem::take(&mut self.messages),
            write: self.begin_write(),
            answers: std::mem::take(&mut self.answers),
            confirmed: std::mem::take(&mut self.confirmed),
            save_snapshot: self.save_snapshot.take(),
            applied: std::mem::take(&mut self.applied),
            role: std::mem::take(&mut self.role),
        }
    }

    fn begin_write(&mut self) -> Option<Write> {
        if self.in_flight.is_some() {
            return None;
        }
        let (mut write, covers) = self.next.take()?;
        self.numbers += 1;
        write.number = self.numbers;
        write.hard_state = self.lazy.take();
        if let Some(hard_state) = &mut write.hard_state {
            self.in_flight_term = hard_state.term;
            if faults::active(Fault::VoteNotPersisted) {
                hard_state.vote = 0;
            }
        }
        self.in_flight = Some((write.number, covers));
        Some(write)
    }

    /// A message that claims nothing about the disk, but the term, needs only the term there.
    fn hold(&mut self, number: u64, messages: Vec<Message>) {
        let term = self.persisted_term;
        let claims_term_only = |message: &Message| {
            use MessageType::{MsgHeartbeatResponse, MsgPropose, MsgReadIndex, MsgRequestPreVote};
            let kind = message.get_msg_type();
            matches!(kind, MsgPropose | MsgReadIndex | MsgRequestPreVote)
                || kind == MsgHeartbeatResponse && message.term <= term
        };
        let (now, later): (Vec<_>, Vec<_>) = messages.into_iter().partition(claims_term_only);
        self.messages.extend(now);
        if !later.is_empty() {
            self.held.push_back((number, later));
        }
    }

    fn release(&mut self, number: u64) {
        while let Some((_, messages)) = self.held.pop_front_if(|(held, _)| *held <= number) {
            self.messages.extend(messages);
        }
    }
}
