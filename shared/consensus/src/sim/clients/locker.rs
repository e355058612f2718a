//! Wants one lock, under a lease that it keeps alive, and trusts in it by its own clock as `coordination` does: a tenth
//! of the lease's time is left unused.

use bytes::Bytes;
use rand::Rng as _;

use super::{Desk, Reply, Request};
use crate::{
    api::{
        etcdserverpb::{
            Compare, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest,
            TxnResponse,
            compare::{CompareResult, CompareTarget, TargetUnion},
            request_op, response_op,
        },
        logpb::command::Operation,
    },
    sim::{
        clock::{Clock, MILLISECOND, SECOND},
        violation::{Broken, Rule},
    },
    store::Outcome,
};

const KEY: &[u8] = b"lock";

/// A client that takes the lock, holds it for a while, and gives it back.
pub(crate) struct Locker {
    number: usize,
    clock: Clock,
    host: usize,
    ticket: u64,
    granted: i64,
    session: Option<Session>,
    asking: Option<Asking>,
    times_in_calm: u32,
}

/// A lease, as its holder sees it. Times are of its own clock.
struct Session {
    lease: i64,
    seconds: i64,
    /// Until when it trusts in it.
    until: u64,
    next_beat: u64,
    /// When it gives the lock back that it has taken.
    holds_until: Option<u64>,
}

/// A question on its way, and when it was sent: by its own clock, and in true time for the judge.
enum Asking {
    Grant { lease: i64, seconds: i64, sent: u64 },
    Take { sent: u64 },
    Beat { sent: u64 },
    Revoke { lease: i64 },
}

impl Locker {
    pub(crate) fn new(number: usize, clock: Clock, host: usize) -> Self {
        Self { number, clock, host, ticket: 0, granted: 0, session: None, asking: None, times_in_calm: 0 }
    }

    pub(crate) fn waits_for(&self) -> Option<String> {
        (self.times_in_calm == 0).then(|| format!("client {} still waits for the lock", self.number))
    }

    pub(crate) fn wake(&mut self, ticket: u64, desk: &mut Desk<'_>) {
        if ticket != self.ticket {
            return;
        }
        match self.asking.take() {
            Some(asking) => self.unanswered(&asking, desk),
            None => self.go_on(desk),
        }
    }

    pub(crate) fn receive(&mut self, ticket: u64, reply: Reply, desk: &mut Desk<'_>) -> Result<(), Broken> {
        let Some(asking) = self.asking.take_if(|_| ticket == self.ticket) else { return Ok(()) };
        match (asking, reply) {
            (Asking::Grant { lease, seconds, sent }, Reply::Applied(Ok(Outcome::LeaseGrant(_)))) => {
                let (until, next_beat) = (sent + usable(seconds), sent + nanos(seconds) / 3);
                self.session = Some(Session { lease, seconds, until, next_beat, holds_until: None });
                self.go_on(desk);
            }
            (Asking::Take { sent }, Reply::Applied(Ok(Outcome::Txn(response)))) => {
                self.taken_or_not(sent, &response, desk)?;
            }
            (Asking::Beat { sent }, Reply::KeptAlive(Some(seconds))) => {
                self.extend(sent, seconds, desk);
                self.go_on(desk);
            }
            (Asking::Beat { .. }, Reply::NotLeader(leader)) => {
                self.host = leader.unwrap_or_else(|| desk.any_host());
                let pause = if leader.is_some() { MILLISECOND } else { desk.pause(100 * MILLISECOND) };
                self.later(pause, desk);
            }
            // The lease has ended.
            (Asking::Beat { .. }, Reply::KeptAlive(None)) | (Asking::Take { .. }, Reply::Applied(Err(_))) => {
                self.session = None;
                desk.checks.locks.released(self.number);
                self.later(50 * MILLISECOND, desk);
            }
            (Asking::Revoke { lease }, Reply::Applied(answer)) => {
                if answer.is_ok() {
                    desk.checks.revoked.insert(lease, desk.now);
                }
                let pause = desk.pause(300 * MILLISECOND);
                self.later(pause, desk);
            }
            (asking, _) => self.unanswered(&asking, desk),
        }
        Ok(())
    }

    /// Does what is due.
    fn go_on(&mut self, desk: &mut Desk<'_>) {
        self.ticket += 1;
        let shown = self.clock.read(desk.now);
        let Some(session) = &mut self.session else {
            if !desk.calm || self.times_in_calm == 0 {
                self.grant(shown, desk);
            }
            return;
        };
        if shown >= session.until || session.holds_until.is_some_and(|until| shown >= until) {
            self.give_back(desk);
        } else if shown >= session.next_beat {
            let lease = session.lease;
            desk.send(self.ticket, self.host, Request::KeepAlive(lease));
            self.asking = Some(Asking::Beat { sent: shown });
            let patience = nanos(session.seconds) / 5;
            desk.wake_in(self.ticket, patience);
        } else if session.holds_until.is_some() {
            let due = session.until.min(session.next_beat).min(session.holds_until.unwrap_or(u64::MAX));
            let after = self.clock.when(due).saturating_sub(desk.now).max(1);
            desk.wake_in(self.ticket, after);
        } else {
            self.take(desk);
        }
    }

    fn grant(&mut self, shown: u64, desk: &mut Desk<'_>) {
        self.granted += 1;
        let lease = (self.number as i64 + 1) << 32 | self.granted;
        let seconds = desk.rng.random_range(2..4);
        desk.propose(self.ticket, self.host, Operation::LeaseGrant(LeaseGrantRequest { id: lease, ttl: seconds }));
        self.asking = Some(Asking::Grant { lease, seconds, sent: shown });
        desk.wake_in(self.ticket, SECOND);
    }

    fn take(&mut self, desk: &mut Desk<'_>) {
        let Some(session) = &self.session else { return };
        let key = Bytes::from_static(KEY);
        let value = Bytes::from(format!("{}.{}", self.number, self.ticket));
        let absent = Compare {
            result: CompareResult::Equal.into(),
            target: CompareTarget::Create.into(),
            key: key.clone(),
            target_union: Some(TargetUnion::CreateRevision(0)),
            ..Compare::default()
        };
        let put = PutRequest { key: key.clone(), value, lease: session.lease, ..PutRequest::default() };
        let look = RangeRequest { key, ..RangeRequest::default() };
        let request = TxnRequest {
            compare: vec![absent],
            success: vec![RequestOp { request: Some(request_op::Request::RequestPut(put)) }],
            failure: vec![RequestOp { request: Some(request_op::Request::RequestRange(look)) }],
        };
        desk.propose(self.ticket, self.host, Operation::Txn(request));
        self.asking = Some(Asking::Take { sent: desk.now });
        desk.wake_in(self.ticket, SECOND / 2);
    }

    fn taken_or_not(&mut self, sent: u64, response: &TxnResponse, desk: &mut Desk<'_>) -> Result<(), Broken> {
        let Some(session) = &mut self.session else { return Ok(()) };
        if !response.succeeded {
            let holder = holder(response);
            let gone = holder.and_then(|lease| desk.checks.revoked.get(&lease)).is_some_and(|at| *at < sent);
            if gone {
                let detail = format!("the lock is held by lease {holder:?}, which was revoked before");
                return Err(Broken::new(Rule::GoneIsGone, detail));
            }
            let pause = desk.pause(150 * MILLISECOND);
            self.later(pause, desk);
            return Ok(());
        }
        let shown = self.clock.read(desk.now);
        if shown < session.until {
            desk.checks.locks.taken(self.number, desk.now, self.clock.when(session.until))?;
            let time = if desk.calm { 100 * MILLISECOND } else { desk.rng.random_range(50 * MILLISECOND..6 * SECOND) };
            session.holds_until = Some(shown + time);
            self.times_in_calm += u32::from(desk.calm);
        }
        self.go_on(desk);
        Ok(())
    }

    fn extend(&mut self, sent: u64, seconds: i64, desk: &mut Desk<'_>) {
        let Some(session) = &mut self.session else { return };
        // What it saw end stays ended, whatever comes late.
        if self.clock.read(desk.now) < session.until {
            session.until = session.until.max(sent + usable(seconds));
            session.next_beat = sent + nanos(seconds) / 3;
            if session.holds_until.is_some() {
                desk.checks.locks.extended(self.number, self.clock.when(session.until));
            }
        }
    }

    fn give_back(&mut self, desk: &mut Desk<'_>) {
        let Some(Session { lease, .. }) = self.session.take() else { return };
        desk.checks.locks.released(self.number);
        desk.propose(self.ticket, self.host, Operation::LeaseRevoke(LeaseRevokeRequest { id: lease }));
        self.asking = Some(Asking::Revoke { lease });
        desk.wake_in(self.ticket, SECOND);
    }

    /// Whether it happened is unknown. A lease that may exist ends by itself; a lock that may be taken is given back.
    fn unanswered(&mut self, asking: &Asking, desk: &mut Desk<'_>) {
        self.host = desk.any_host();
        if matches!(asking, Asking::Take { .. }) {
            self.ticket += 1;
            self.give_back(desk);
        } else {
            let pause = desk.pause(100 * MILLISECOND);
            self.later(pause, desk);
        }
    }

    fn later(&mut self, pause: u64, desk: &mut Desk<'_>) {
        self.ticket += 1;
        desk.wake_in(self.ticket, pause);
    }
}

/// The lease of whoever holds the lock.
fn holder(response: &TxnResponse) -> Option<i64> {
    match response.responses.first()?.response.as_ref()? {
        response_op::Response::ResponseRange(range) => range.kvs.first().map(|found| found.lease),
        _ => None,
    }
}

fn nanos(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or_default().saturating_mul(SECOND)
}

fn usable(seconds: i64) -> u64 {
    nanos(seconds) / 10 * 9
}
