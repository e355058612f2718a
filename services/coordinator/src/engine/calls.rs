//! Who waits for what the node answers.

use std::time::Instant;

use consensus::{
    api::etcdserverpb::Member,
    node::{CallId, Confirmed},
    store::Outcome,
};
use tokio::sync::oneshot;

use super::{MembershipError, ProposeError, ReadError};

/// Where the answer to one call goes.
#[derive(Debug)]
pub(super) enum Caller {
    Propose(oneshot::Sender<Result<Outcome, ProposeError>>),
    Read(oneshot::Sender<Result<(), ReadError>>),
    KeepAlive(oneshot::Sender<Result<Confirmed, ReadError>>),
    Change(oneshot::Sender<Result<Vec<Member>, MembershipError>>),
}

/// Why a call ends without an answer of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Timeout,
    LeaderLost,
    ConnectionLost,
    Stopped,
}

/// Calls by their number. A number names a place here and how often the place was used, so that an answer that comes
/// late finds nobody, and not somebody else.
#[derive(Debug, Default)]
pub(super) struct Calls {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    waiting: Option<(Caller, Instant)>,
}

impl Calls {
    pub(super) fn insert(&mut self, caller: Caller, since: Instant) -> CallId {
        let waiting = Some((caller, since));
        let place = match self.free.pop() {
            Some(place) => {
                let slot = &mut self.slots[place as usize];
                slot.generation = slot.generation.wrapping_add(1) & (u32::MAX >> 1);
                slot.waiting = waiting;
                place
            }
            None => {
                self.slots.push(Slot { generation: 0, waiting });
                (self.slots.len() - 1) as u32
            }
        };
        u64::from(self.slots[place as usize].generation) << 32 | u64::from(place)
    }

    pub(super) fn take(&mut self, id: CallId) -> Option<Caller> {
        let place = id as u32;
        let slot = self.slots.get_mut(place as usize).filter(|slot| u64::from(slot.generation) == id >> 32)?;
        let (caller, _) = slot.waiting.take()?;
        self.free.push(place);
        Some(caller)
    }

    /// Since when a call waits.
    pub(super) fn since(&self, id: CallId) -> Option<Instant> {
        let slot = self.slots.get(id as u32 as usize).filter(|slot| u64::from(slot.generation) == id >> 32)?;
        slot.waiting.as_ref().map(|(_, since)| *since)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Calls that nobody waits for any more, and those that began at or before `oldest`, with when that was.
    pub(super) fn overdue(&self, oldest: Option<Instant>) -> Vec<(CallId, Instant)> {
        let waiting = self.slots.iter().enumerate().filter_map(|(place, slot)| {
            let (caller, since) = slot.waiting.as_ref()?;
            let late = caller.is_gone() || oldest.is_some_and(|oldest| *since <= oldest);
            late.then_some((u64::from(slot.generation) << 32 | place as u64, *since))
        });
        waiting.collect()
    }

    /// Takes all that wait.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Caller> {
        self.free.clear();
        std::mem::take(&mut self.slots).into_iter().filter_map(|slot| slot.waiting.map(|(caller, _)| caller))
    }
}

impl Caller {
    fn is_gone(&self) -> bool {
        match self {
            Self::Propose(sender) => sender.is_closed(),
            Self::Read(sender) => sender.is_closed(),
            Self::KeepAlive(sender) => sender.is_closed(),
            Self::Change(sender) => sender.is_closed(),
        }
    }

    /// Ends it without an answer. Whether the caller still listens is its own affair.
    pub(super) fn end(self, end: End) {
        match self {
            Self::Propose(sender) => drop(sender.send(Err(end.into()))),
            Self::Read(sender) => drop(sender.send(Err(end.into()))),
            Self::KeepAlive(sender) => drop(sender.send(Err(end.into()))),
            Self::Change(sender) => drop(sender.send(Err(end.into()))),
        }
    }
}

impl From<End> for ProposeError {
    fn from(end: End) -> Self {
        match end {
            End::Timeout => Self::Timeout,
            End::LeaderLost => Self::TimeoutLeaderLost,
            End::ConnectionLost => Self::TimeoutConnectionLost,
            End::Stopped => Self::Stopped,
        }
    }
}

impl From<End> for ReadError {
    fn from(end: End) -> Self {
        match end {
            // A read names no cause in etcd: its client sees no more than that nobody confirmed it.
            End::Timeout | End::LeaderLost | End::ConnectionLost => Self::Timeout,
            End::Stopped => Self::Stopped,
        }
    }
}

impl From<End> for MembershipError {
    fn from(end: End) -> Self {
        match end {
            End::Timeout | End::LeaderLost | End::ConnectionLost => Self::Timeout,
            End::Stopped => Self::Stopped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> (Caller, oneshot::Receiver<Result<(), ReadError>>) {
        let (sender, receiver) = oneshot::channel();
        (Caller::Read(sender), receiver)
    }

    #[test]
    fn a_late_answer_finds_nobody_although_the_place_is_used_again() {
        let mut calls = Calls::default();
        let now = Instant::now();
        let (first, _receiver) = read();
        let first = calls.insert(first, now);
        assert!(calls.take(first).is_some());
        let (second, _receiver) = read();
        let second = calls.insert(second, now);
        assert_ne!(first, second);
        assert!(calls.take(first).is_none());
        assert_eq!(calls.len(), 1);
        assert!(calls.take(second).is_some());
        assert_eq!(calls.len(), 0);
    }

    #[test]
    fn who_went_away_or_waited_too_long_is_overdue() {
        let mut calls = Calls::default();
        let now = Instant::now();
        let (gone, receiver) = read();
        let gone = calls.insert(gone, now);
        drop(receiver);
        let (stays, _receiver) = read();
        let stays = calls.insert(stays, now);
        assert_eq!(calls.overdue(None), [(gone, now)]);
        assert_eq!(calls.overdue(Some(now)), [(gone, now), (stays, now)]);
    }

    #[test]
    fn ending_all_tells_everybody() {
        let mut calls = Calls::default();
        let (caller, mut receiver) = read();
        calls.insert(caller, Instant::now());
        calls.drain().for_each(|caller| caller.end(End::Stopped));
        assert_eq!(receiver.try_recv().unwrap(), Err(ReadError::Stopped));
    }
}
