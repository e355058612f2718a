//! Those who use the cluster, and remember what they were told.

mod locker;
mod register;
mod watcher;

use rand::{Rng as _, rngs::SmallRng};

pub(super) use self::{locker::Locker, register::RegisterClient, watcher::Watcher};
use super::{checks::Checks, violation::Broken};
use crate::{
    api::{
        etcdserverpb::{RangeRequest, RangeResponse, WatchCreateRequest},
        logpb::{Command, command::Operation},
    },
    store::{self, Outcome},
    watch::Delivery,
};

/// What a client asks a member.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Propose(Box<Command>),
    /// A read of what is acknowledged by now.
    Read(RangeRequest),
    /// A read of what this member happens to have.
    ReadHere(RangeRequest),
    KeepAlive(i64),
    Watch(WatchCreateRequest),
    /// Ends a watch.
    Leave,
}

/// What it hears.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Applied(Result<Outcome, store::Error>),
    Range(Result<RangeResponse, store::Error>),
    /// A lease has so many seconds again; none where it has ended.
    KeptAlive(Option<i64>),
    /// Ask this one instead, if anybody.
    NotLeader(Option<usize>),
    Watched(Delivery),
    /// Nobody listens there: the request did not arrive.
    Refused,
    /// The connection ended: nobody knows whether it did.
    Broken,
}

/// What a client wants done.
#[derive(Debug)]
pub(super) enum Action {
    Send {
        ticket: u64,
        host: usize,
        request: Request,
    },
    Wake {
        ticket: u64,
        at: u64,
    },
    /// Nobody waits for an answer to this any more.
    GiveUp {
        ticket: u64,
        host: usize,
    },
}

/// What a client has at hand while it acts.
pub(super) struct Desk<'a> {
    pub(super) now: u64,
    pub(super) rng: &'a mut SmallRng,
    pub(super) checks: &'a mut Checks,
    /// How many members there ever were.
    pub(super) hosts: usize,
    /// Whether all disturbances have ended.
    pub(super) calm: bool,
    pub(super) actions: Vec<Action>,
}

/// A client of any kind. A ticket names what it waits for; what comes for another is late.
pub(super) enum Client {
    Register(RegisterClient),
    Locker(Locker),
    Watcher(Watcher),
}

impl Client {
    /// It is time for something.
    pub(super) fn wake(&mut self, ticket: u64, desk: &mut Desk<'_>) -> Result<(), Broken> {
        match self {
            Self::Register(client) => client.wake(ticket, desk),
            Self::Locker(client) => client.wake(ticket, desk),
            Self::Watcher(client) => client.wake(ticket, desk),
        }
        Ok(())
    }

    /// An answer came.
    pub(super) fn receive(&mut self, ticket: u64, reply: Reply, desk: &mut Desk<'_>) -> Result<(), Broken> {
        match self {
            Self::Register(client) => client.receive(ticket, reply, desk),
            Self::Locker(client) => client.receive(ticket, reply, desk),
            Self::Watcher(client) => client.receive(ticket, reply, desk),
        }
    }

    /// Why a run can't end yet, if it can't.
    pub(super) fn waits_for(&self, checks: &Checks) -> Option<String> {
        match self {
            Self::Register(client) => client.waits_for(),
            Self::Locker(client) => client.waits_for(),
            Self::Watcher(client) => client.waits_for(checks),
        }
    }
}

impl Desk<'_> {
    fn send(&mut self, ticket: u64, host: usize, request: Request) {
        self.actions.push(Action::Send { ticket, host, request });
    }

    fn propose(&mut self, ticket: u64, host: usize, operation: Operation) {
        self.send(ticket, host, Request::Propose(Box::new(Command { operation: Some(operation) })));
    }

    fn wake_in(&mut self, ticket: u64, after: u64) {
        self.actions.push(Action::Wake { ticket, at: self.now + after });
    }

    /// A pause between half and one and a half of `around`.
    fn pause(&mut self, around: u64) -> u64 {
        self.rng.random_range(around / 2..around + around / 2)
    }

    fn any_host(&mut self) -> usize {
        self.rng.random_range(0..self.hosts)
    }
}
