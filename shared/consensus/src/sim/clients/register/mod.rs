//! Reads and writes a few keys.

mod answers;

use std::collections::BTreeMap;

use bytes::Bytes;
use rand::Rng as _;

use super::{Action, Desk, Reply, Request};
use crate::{
    api::{
        etcdserverpb::{
            CompactionRequest, Compare, DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, ResponseHeader,
            TxnRequest,
            compare::{CompareResult, CompareTarget, TargetUnion},
            request_op,
        },
        logpb::command::Operation,
    },
    sim::{
        checks::{Asked, Change, Ticket},
        clock::{MILLISECOND, SECOND},
        violation::{Broken, Rule},
    },
};

const KEYS: [&str; 3] = ["r/a", "r/b", "r/c"];

/// Calls answered in the calm after the disturbances, before it is content.
const LAST_CALLS: u32 = 3;

/// A client of a few keys: one call at a time.
pub(crate) struct RegisterClient {
    number: u64,
    host: usize,
    ticket: u64,
    calling: Option<Calling>,
    /// What it saw last at each key, for a swap to expect.
    seen: BTreeMap<Bytes, Bytes>,
    values: u64,
    /// The newest revision it heard of.
    revision: i64,
    answered_in_calm: u32,
}

/// A call on its way.
enum Calling {
    Read(Ticket),
    /// Changes of keys, each to be acknowledged.
    Write(Vec<(Ticket, Change)>),
    Swap(Ticket, Change),
    Delete(Ticket),
    ReadHere(Bytes),
    /// A read of an earlier revision, and up to where history was known to be gone when it was asked.
    ReadPast {
        key: Bytes,
        revision: i64,
        gone: i64,
    },
    Compact(i64),
}

impl RegisterClient {
    pub(crate) fn new(number: u64, host: usize) -> Self {
        Self {
            number,
            host,
            ticket: 0,
            calling: None,
            seen: BTreeMap::new(),
            values: 0,
            revision: 1,
            answered_in_calm: 0,
        }
    }

    pub(crate) fn waits_for(&self) -> Option<String> {
        let Self { number, answered_in_calm, .. } = self;
        let content = *answered_in_calm >= LAST_CALLS;
        (!content).then(|| format!("client {number} got {answered_in_calm} of {LAST_CALLS} last calls answered"))
    }

    pub(crate) fn wake(&mut self, ticket: u64, desk: &mut Desk<'_>) {
        if ticket != self.ticket {
            return;
        }
        if self.calling.take().is_some() {
            desk.actions.push(Action::GiveUp { ticket, host: self.host });
            self.elsewhere(desk);
        } else if desk.calm && self.answered_in_calm >= LAST_CALLS {
            self.ticket += 1;
        } else {
            self.call(desk);
        }
    }

    pub(crate) fn receive(&mut self, ticket: u64, reply: Reply, desk: &mut Desk<'_>) -> Result<(), Broken> {
        let Some(calling) = self.calling.take_if(|_| ticket == self.ticket) else { return Ok(()) };
        match (calling, reply) {
            (calling, Reply::Refused) => {
                calling.tickets().for_each(|ticket| desk.checks.registers.undo(ticket));
                self.elsewhere(desk);
                return Ok(());
            }
            (_, Reply::Broken) => {
                self.elsewhere(desk);
                return Ok(());
            }
            (calling, Reply::Applied(outcome)) => self.applied(calling, outcome, desk)?,
            (calling, Reply::Range(outcome)) => self.read(&calling, outcome, desk)?,
            (_, reply) => return Err(unexpected(&reply)),
        }
        self.answered_in_calm += u32::from(desk.calm);
        self.next(desk, 60 * MILLISECOND);
        Ok(())
    }

    fn call(&mut self, desk: &mut Desk<'_>) {
        self.ticket += 1;
        let key = Bytes::from_static(KEYS[desk.rng.random_range(0..KEYS.len())].as_bytes());
        match desk.rng.random_range(0..100) {
            0..35 => {
                let ticket = self.begin(&key, Asked::Read, desk);
                desk.send(self.ticket, self.host, Request::Read(range(key, 0)));
                self.calling = Some(Calling::Read(ticket));
            }
            35..60 => self.put(key, desk),
            60..66 => self.put_two(desk),
            66..84 => self.swap(key, desk),
            84..90 => {
                let ticket = self.begin(&key, Asked::Delete, desk);
                let request = DeleteRangeRequest { key, ..DeleteRangeRequest::default() };
                desk.propose(self.ticket, self.host, Operation::DeleteRange(request));
                self.calling = Some(Calling::Delete(ticket));
            }
            90..94 => {
                let request = RangeRequest { serializable: true, ..range(key.clone(), 0) };
                desk.send(self.ticket, self.host, Request::ReadHere(request));
                self.calling = Some(Calling::ReadHere(key));
            }
            94..98 => {
                let revision = desk.rng.random_range(1..=self.revision);
                let gone = desk.checks.compacted;
                desk.send(self.ticket, self.host, Request::Read(range(key.clone(), revision)));
                self.calling = Some(Calling::ReadPast { key, revision, gone });
            }
            _ => {
                let revision = (self.revision - desk.rng.random_range(0..20)).max(1);
                let request = CompactionRequest { revision, physical: false };
                desk.propose(self.ticket, self.host, Operation::Compact(request));
                self.calling = Some(Calling::Compact(revision));
            }
        }
        let patience = desk.pause(2 * SECOND);
        desk.wake_in(self.ticket, patience);
    }

    fn put(&mut self, key: Bytes, desk: &mut Desk<'_>) {
        let value = self.value();
        let ticket = self.begin(&key, Asked::Write(value.clone()), desk);
        let request = PutRequest { key: key.clone(), value: value.clone(), ..PutRequest::default() };
        desk.propose(self.ticket, self.host, Operation::Put(request));
        self.calling = Some(Calling::Write(vec![(ticket, Change { key, value: Some(value) })]));
    }

    /// One transaction of two keys.
    fn put_two(&mut self, desk: &mut Desk<'_>) {
        let mut request = TxnRequest::default();
        let mut changes = Vec::new();
        for key in &KEYS[..2] {
            let (key, value) = (Bytes::from_static(key.as_bytes()), self.value());
            let ticket = self.begin(&key, Asked::Write(value.clone()), desk);
            let put = PutRequest { key: key.clone(), value: value.clone(), ..PutRequest::default() };
            request.success.push(RequestOp { request: Some(request_op::Request::RequestPut(put)) });
            changes.push((ticket, Change { key, value: Some(value) }));
        }
        desk.propose(self.ticket, self.host, Operation::Txn(request));
        self.calling = Some(Calling::Write(changes));
    }

    fn swap(&mut self, key: Bytes, desk: &mut Desk<'_>) {
        let (expected, value) = (self.seen.get(&key).cloned(), self.value());
        let target = match &expected {
            Some(expected) => (CompareTarget::Value, TargetUnion::Value(expected.clone())),
            None => (CompareTarget::Create, TargetUnion::CreateRevision(0)),
        };
        let compare = Compare {
            result: CompareResult::Equal.into(),
            target: target.0.into(),
            key: key.clone(),
            target_union: Some(target.1),
            ..Compare::default()
        };
        let put = PutRequest { key: key.clone(), value: value.clone(), ..PutRequest::default() };
        let request = TxnRequest {
            compare: vec![compare],
            success: vec![RequestOp { request: Some(request_op::Request::RequestPut(put)) }],
            failure: vec![RequestOp { request: Some(request_op::Request::RequestRange(range(key.clone(), 0))) }],
        };
        let ticket = self.begin(&key, Asked::Swap { expected, new: value.clone() }, desk);
        desk.propose(self.ticket, self.host, Operation::Txn(request));
        self.calling = Some(Calling::Swap(ticket, Change { key, value: Some(value) }));
    }

    fn begin(&self, key: &Bytes, asked: Asked, desk: &mut Desk<'_>) -> Ticket {
        desk.checks.registers.begin(self.number, key, asked, desk.now)
    }

    /// A value that is never put twice.
    fn value(&mut self) -> Bytes {
        self.values += 1;
        Bytes::from(format!("{}.{}", self.number, self.values))
    }

    fn heard(&mut self, header: Option<ResponseHeader>) -> i64 {
        let revision = header.map_or(0, |header| header.revision);
        self.revision = self.revision.max(revision);
        revision
    }

    fn saw(&mut self, key: &Bytes, held: Option<&Bytes>) {
        match held {
            Some(value) => drop(self.seen.insert(key.clone(), value.clone())),
            None => drop(self.seen.remove(key)),
        }
    }

    /// Goes to another member, after a while.
    fn elsewhere(&mut self, desk: &mut Desk<'_>) {
        self.host = desk.any_host();
        self.next(desk, 200 * MILLISECOND);
    }

    fn next(&mut self, desk: &mut Desk<'_>, pause: u64) {
        self.ticket += 1;
        let pause = desk.pause(pause);
        desk.wake_in(self.ticket, pause);
    }
}

impl Calling {
    fn tickets(&self) -> impl Iterator<Item = &Ticket> {
        let (one, several) = match self {
            Self::Read(ticket) | Self::Swap(ticket, _) | Self::Delete(ticket) => (Some(ticket), [].as_slice()),
            Self::Write(changes) => (None, changes.as_slice()),
            Self::ReadHere(_) | Self::ReadPast { .. } | Self::Compact(_) => (None, [].as_slice()),
        };
        one.into_iter().chain(several.iter().map(|(ticket, _)| ticket))
    }
}

fn range(key: Bytes, revision: i64) -> RangeRequest {
    RangeRequest { key, revision, ..RangeRequest::default() }
}

fn unexpected(reply: &Reply) -> Broken {
    Broken::new(Rule::Linearizable, format!("an answer to another question: {reply:?}"))
}
