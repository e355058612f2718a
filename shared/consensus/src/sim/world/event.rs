use raft::eraftpb::Message;

use crate::sim::clients::{Reply, Request};

/// Something that happens at its time. Hosts and clients are named by their places.
#[derive(Debug)]
pub(crate) enum Event {
    /// A member's clock has gone on.
    Tick { host: usize, life: u64 },
    /// A member does what its inputs asked for.
    Step { host: usize, life: u64 },
    /// A message arrives.
    Message { from: usize, host: usize, message: Box<Message> },
    /// A member learns that messages to another don't arrive.
    Unreachable { host: usize, life: u64, peer: u64 },
    /// A disk has done what it was asked for first.
    Done { host: usize, life: u64 },
    /// The next chunk of a snapshot goes to the disk.
    Save { host: usize, life: u64 },
    /// The next chunk of a snapshot goes to another member.
    Chunk { transfer: u64 },
    /// A member learns how it went.
    Sent { host: usize, life: u64, peer: u64, delivered: bool },
    /// A client's request arrives.
    Request { host: usize, client: usize, ticket: u64, request: Box<Request> },
    /// A client waits no longer.
    GiveUp { host: usize, client: usize, ticket: u64 },
    /// An answer arrives.
    Reply { client: usize, ticket: u64, reply: Box<Reply> },
    /// A client wanted to be woken.
    Wake { client: usize, ticket: u64 },
    /// A disturbance of the plan begins.
    Begin(usize),
    /// What began under this name ends, at this host if at one.
    End { name: usize, host: Option<usize> },
    /// A process ends.
    Crash { host: usize, life: u64, power: bool, down: u64 },
    /// A machine starts its process.
    Start { host: usize, life: u64 },
    /// A member is cut off.
    Isolate { host: usize, lasts: u64 },
    /// The operator changes the members.
    Operate(Order),
    /// All disturbances end.
    Calm,
    /// Whether the run is over.
    Look,
}

/// What the operator wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// A learner votes from now on; tried so many times more.
    Promote { host: usize, tries: u32 },
    /// A member that was removed is switched off.
    Retire { host: usize },
}

impl Event {
    /// Whose processor it takes: it waits while that one stands still.
    pub(crate) fn at(&self) -> Option<usize> {
        match self {
            Self::Tick { host, .. }
            | Self::Step { host, .. }
            | Self::Message { host, .. }
            | Self::Unreachable { host, .. }
            | Self::Done { host, .. }
            | Self::Save { host, .. }
            | Self::Sent { host, .. }
            | Self::Request { host, .. }
            | Self::GiveUp { host, .. } => Some(*host),
            _ => None,
        }
    }

    /// For the trace: what it is, and whom it concerns.
    pub(crate) fn word(&self) -> u64 {
        let (kind, whom) = match self {
            Self::Tick { host, .. } => (1, *host),
            Self::Step { host, .. } => (2, *host),
            Self::Message { from, host, message } => (3 + message.msg_type as u64 * 64, from * 256 + host),
            Self::Unreachable { host, .. } => (4, *host),
            Self::Done { host, .. } => (5, *host),
            Self::Save { host, .. } => (6, *host),
            Self::Chunk { transfer } => (7, *transfer as usize),
            Self::Sent { host, delivered, .. } => (8 + 64 * u64::from(*delivered), *host),
            Self::Request { host, client, .. } => (9, client * 256 + host),
            Self::GiveUp { host, client, .. } => (10, client * 256 + host),
            Self::Reply { client, .. } => (11, *client),
            Self::Wake { client, .. } => (12, *client),
            Self::Begin(name) => (13, *name),
            Self::End { name, .. } => (14, *name),
            Self::Crash { host, .. } => (15, *host),
            Self::Start { host, .. } => (16, *host),
            Self::Isolate { host, .. } => (17, *host),
            Self::Operate(Order::Promote { host, .. }) => (18, *host),
            Self::Operate(Order::Retire { host }) => (19, *host),
            Self::Calm => (20, 0),
            Self::Look => (21, 0),
        };
        kind << 32 | whom as u64
    }
}
