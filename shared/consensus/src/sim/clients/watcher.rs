//! Watches keys, now at one member, now at another, and compares what it is told with what happened.

use bytes::Bytes;
use prost::Message as _;

use super::{Desk, Reply, Request};
use crate::{
    api::{
        etcdserverpb::WatchCreateRequest,
        mvccpb::{Event, event::EventType},
    },
    sim::{
        checks::{Change, Checks},
        clock::{MILLISECOND, SECOND},
        violation::{Broken, Rule},
    },
    watch::Delivery,
};

/// A client that watches a range of keys.
pub(crate) struct Watcher {
    number: u64,
    ticket: u64,
    host: Option<usize>,
    key: Bytes,
    range_end: Bytes,
    /// It has heard of everything up to this revision.
    seen: i64,
}

impl Watcher {
    pub(crate) fn new(number: u64) -> Self {
        let (key, range_end) = if number.is_multiple_of(2) { ("\0", "\0") } else { ("r/", "r0") };
        let (key, range_end) = (Bytes::from_static(key.as_bytes()), Bytes::from_static(range_end.as_bytes()));
        Self { number, ticket: 0, host: None, key, range_end, seen: 0 }
    }

    pub(crate) fn waits_for(&self, checks: &Checks) -> Option<String> {
        let missing = self.expected(checks, checks.revisions.latest()).last().map(|(revision, _)| revision);
        let Self { number, seen, .. } = self;
        missing.map(|revision| format!("watcher {number} has heard up to {seen}, and not of revision {revision}"))
    }

    /// Ends the watch it has, and begins another elsewhere.
    pub(crate) fn wake(&mut self, ticket: u64, desk: &mut Desk<'_>) {
        if ticket != self.ticket {
            return;
        }
        if let Some(host) = self.host.take() {
            desk.send(ticket, host, Request::Leave);
        }
        self.ticket += 1;
        let host = desk.any_host();
        self.host = Some(host);
        let request = WatchCreateRequest {
            key: self.key.clone(),
            range_end: self.range_end.clone(),
            start_revision: self.seen + 1,
            ..WatchCreateRequest::default()
        };
        desk.send(self.ticket, host, Request::Watch(request));
        let stays = desk.pause(2 * SECOND);
        desk.wake_in(self.ticket, stays);
    }

    pub(crate) fn receive(&mut self, ticket: u64, reply: Reply, desk: &mut Desk<'_>) -> Result<(), Broken> {
        if ticket != self.ticket {
            return Ok(());
        }
        match reply {
            Reply::Watched(delivery) => self.hear(delivery, desk),
            _ => {
                self.host = None;
                let pause = desk.pause(100 * MILLISECOND);
                self.ticket += 1;
                desk.wake_in(self.ticket, pause);
                Ok(())
            }
        }
    }

    fn hear(&mut self, delivery: Delivery, desk: &mut Desk<'_>) -> Result<(), Broken> {
        match delivery {
            Delivery::Events { revision, events, .. } => {
                let told = events.into_iter().map(|event| Event::decode(event).ok().and_then(told));
                self.compare(told.collect(), revision, desk.checks)
            }
            Delivery::Progress { revision, .. } => self.compare(Some(Vec::new()), revision, desk.checks),
            Delivery::Compacted { compact_revision, .. } if compact_revision > self.seen + 1 => {
                // What lies between can't be had from anywhere.
                self.seen = compact_revision - 1;
                self.host = None;
                self.ticket += 1;
                desk.wake_in(self.ticket, MILLISECOND);
                Ok(())
            }
            Delivery::Created { .. } => Ok(()),
            other => Err(self.broken(&format!("told {other:?} after revision {}", self.seen))),
        }
    }

    fn compare(&mut self, told: Option<Vec<(i64, Change)>>, upto: i64, checks: &Checks) -> Result<(), Broken> {
        let expected: Vec<_> = self.expected(checks, upto).collect();
        let right = told
            .as_ref()
            .is_some_and(|told| told.iter().map(|(at, change)| (*at, change)).eq(expected.iter().copied()));
        if !right {
            return Err(self.broken(&format!("after revision {} told {told:?} where it was {expected:?}", self.seen)));
        }
        self.seen = self.seen.max(upto);
        Ok(())
    }

    fn expected<'a>(&self, checks: &'a Checks, upto: i64) -> impl Iterator<Item = (i64, &'a Change)> + use<'a> {
        let (first, end) = (self.key.clone(), self.range_end.clone());
        let watched = move |key: &Bytes| *key >= first && (end[..] == [0] || *key < end);
        checks.revisions.between(self.seen, upto).filter(move |(_, change)| watched(&change.key))
    }

    fn broken(&self, what: &str) -> Broken {
        Broken::new(Rule::WatchesComplete, format!("watcher {}: {what}", self.number))
    }
}

fn told(event: Event) -> Option<(i64, Change)> {
    let deleted = event.r#type == i32::from(EventType::Delete);
    let kv = event.kv?;
    Some((kv.mod_revision, Change { key: kv.key, value: (!deleted).then_some(kv.value) }))
}
