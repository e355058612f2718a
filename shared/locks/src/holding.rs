//! Keys in Redis: on one server, or on most of several. One server is most of one.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use futures::future::join_all;
use rand::Rng;
use tokio::{runtime::Handle, time::sleep};

use crate::{
    Fault, Keys, Token,
    queue::Turn,
    server::{Claim, Listener, Outcome, REFRESH, Server, ServerError},
};

/// Added to what is left of another's time, as Redis ends a key within the millisecond.
const ENDED: Duration = Duration::from_millis(1);
/// Bounds of the pause after a fault, and between attempts where nobody tells of releases.
const PAUSE: std::ops::Range<Duration> = Duration::from_millis(5)..Duration::from_millis(50);

/// Keys that an owner has, or may have. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Holding {
    servers: Arc<[Server]>,
    keys: Keys,
    claim: Claim,
}

/// What came of asking for more time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extension {
    Extended,
    /// Others have, or may have, some of the keys.
    Refused,
    /// Too few answered.
    Unknown,
}

impl Holding {
    pub(crate) fn new(servers: Arc<[Server]>, keys: Keys, holder: Arc<str>, ttl: Duration) -> Self {
        let claim = Claim { owner: servers[0].fresh_owner(), holder, ttl, place: None };
        Self { servers, keys, claim }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    fn majority(&self) -> usize {
        self.servers.len() / 2 + 1
    }

    pub(crate) async fn take(&self) -> Result<Outcome, Fault> {
        if let [server] = &*self.servers {
            return Ok(server.take(&self.keys, &self.claim).await?);
        }
        let answers = join_all(self.servers.iter().map(|server| server.take(&self.keys, &self.claim))).await;
        let taken = answers.iter().filter(|answer| matches!(answer, Ok(Outcome::Taken(_)))).count();
        if taken >= self.majority() {
            return Ok(Outcome::Taken(Token::ZERO));
        }
        let failed = answers.iter().filter(|answer| answer.is_err()).count();
        let last = answers.into_iter().filter_map(Result::err).next_back();
        match last {
            Some(last) if failed > self.servers.len() - self.majority() => {
                Err(Fault::NoMajority { failed, servers: self.servers.len(), last })
            }
            // When most are free again nobody says.
            _ => Ok(Outcome::Busy { left: None, ticket: 0, key: None }),
        }
    }

    /// On one server alone: tokens of several could not be compared.
    pub(crate) async fn take_fenced(&self) -> Result<Outcome, Fault> {
        Ok(self.servers[0].take_fenced(&self.keys, &self.claim).await?)
    }

    pub(crate) async fn extend(&self) -> Extension {
        let asked = self.servers.iter().map(|server| server.extend(&self.keys, self.claim.owner, self.claim.ttl));
        let answers: Vec<Result<bool, ServerError>> = join_all(asked).await;
        let count = |wanted: bool| answers.iter().filter(|answer| matches!(answer, Ok(is) if *is == wanted)).count();
        if count(true) >= self.majority() {
            Extension::Extended
        } else if count(false) > self.servers.len() - self.majority() {
            Extension::Refused
        } else {
            Extension::Unknown
        }
    }

    /// Gives back whatever the owner still has; whether that was all of it, on most servers.
    pub(crate) async fn release(&self) -> bool {
        let answers = join_all(self.servers.iter().map(|server| server.release(&self.keys, self.claim.owner))).await;
        let whole = answers.iter().filter(|answer| matches!(answer, Ok(count) if *count == self.keys.count()));
        whole.count() >= self.majority()
    }
}

/// Gives a holding back when it is dropped, if it is or may be held or waited for, and then the turn in the queue.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) holding: Holding,
    turn: Option<Turn>,
    /// Where it hears that it is the first in line.
    listener: Option<Listener>,
    armed: bool,
    runtime: Handle,
}

impl Owned {
    pub(crate) fn new(holding: Holding, turn: Option<Turn>) -> Self {
        Self { holding, turn, listener: None, armed: false, runtime: Handle::current() }
    }

    /// From now on it stands in line where it is not taken. It listens before it first tries, so that it misses no turn.
    ///
    /// Nobody stands in line at several servers: they have no order among them.
    pub(crate) fn queue_up(&mut self) {
        if let [server] = &*self.holding.servers {
            self.listener = Some(server.listen(self.holding.claim.owner));
            self.holding.claim.place.get_or_insert_default();
        }
    }

    /// Waits for its turn, or until it is worth to ask again.
    pub(crate) async fn turn(&mut self, left: Option<Duration>, ticket: u64) {
        let (Some(listener), Some(place)) = (&self.listener, &mut self.holding.claim.place) else {
            return pause().await;
        };
        place.stand(ticket);
        let again = left.map_or(REFRESH, |left| REFRESH.min(left + ENDED));
        tokio::select! {
            () = listener.told() => {}
            () = sleep(again) => {}
        }
    }

    /// From now on it may be held, or stand in line.
    pub(crate) fn arm(&mut self) {
        self.armed = true;
    }

    /// It is another's: it is not held, and stands in no line unless it waits.
    pub(crate) fn was_refused(&mut self) {
        self.armed = self.listener.is_some();
    }

    /// It is held, and waits no more.
    pub(crate) fn was_taken(&mut self) {
        self.listener = None;
        self.holding.claim.place = None;
    }

    /// Gives back in the background what may be held, and goes on as another owner with the same ticket.
    pub(crate) fn start_over(&mut self) {
        if std::mem::take(&mut self.armed) {
            let holding = self.holding.clone();
            self.runtime.spawn(async move { holding.release().await });
            self.holding.claim.owner = self.holding.servers[0].fresh_owner();
            if self.listener.is_some() {
                self.queue_up();
            }
        }
    }

    /// Gives it back; whether all of it was held.
    pub(crate) async fn release(&mut self) -> bool {
        let held = give_back(&self.holding, self.turn.take()).await;
        // Only now: dropped before, it gives back in the background.
        self.armed = false;
        held
    }
}

/// Gives a holding back, and passes the turn on; whether all of it was held.
///
/// The turn passes as soon as the command is on its way: what the next in this process sends comes behind it on the same
/// connection, which saves a round trip. Where others are in line there, it queues up behind them.
async fn give_back(holding: &Holding, turn: Option<Turn>) -> bool {
    let releasing = holding.release();
    let Some(turn) = turn.filter(Turn::is_wanted) else { return releasing.await };
    let mut releasing = pin!(releasing);
    // Written, if nothing is in its way; what is behind finds the keys taken else, and waits in line.
    let written = futures::poll!(&mut releasing);
    drop(turn);
    match written {
        Poll::Ready(held) => held,
        Poll::Pending => releasing.await,
    }
}

/// Between attempts where nobody tells of releases, or after a fault.
pub(crate) async fn pause() {
    let pause = rand::rng().random_range(PAUSE);
    sleep(pause).await;
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.armed {
            let (holding, turn) = (self.holding.clone(), self.turn.take());
            self.runtime.spawn(async move { give_back(&holding, turn).await });
        }
    }
}
