//! Keys in Redis: on one server, or on most of several. One server is most of one.

use std::{pin::pin, sync::Arc, task::Poll, time::Duration};

use futures::future::join_all;
use tokio::runtime::Handle;

use crate::{
    Fault, Keys, Token,
    queue::Turn,
    server::{Claim, Outcome, Owner, Server, ServerError},
};

/// How long other processes have to take what this one would take again.
const COURTESY: Duration = Duration::from_millis(4);

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

/// What giving back showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GivenBack {
    /// Whether all keys were still the owner's, on most servers.
    held: bool,
    /// Whether other processes listen, and so may wait.
    others_wait: bool,
}

impl Holding {
    pub(crate) fn new(servers: Arc<[Server]>, keys: Keys, holder: Arc<str>, ttl: Duration) -> Self {
        Self { servers, keys, claim: Claim { owner: Owner::fresh(), holder, ttl } }
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
            // How long is left says the one; when most are free again nobody says.
            _ => Ok(Outcome::Busy { left: Duration::ZERO }),
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

    /// Gives back whatever the owner still has.
    pub(crate) async fn release(&self) -> GivenBack {
        let answers = join_all(self.servers.iter().map(|server| server.release(&self.keys, self.claim.owner))).await;
        let whole = answers.iter().filter(|answer| matches!(answer, Ok((count, _)) if *count == self.keys.count()));
        let others_wait = answers.iter().any(|answer| matches!(answer, Ok((_, told)) if *told > 1));
        GivenBack { held: whole.count() >= self.majority(), others_wait }
    }
}

/// Gives a holding back when it is dropped, if it is or may be held, and then the turn in the queue.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) holding: Holding,
    turn: Option<Turn>,
    armed: bool,
    runtime: Handle,
}

impl Owned {
    pub(crate) fn new(holding: Holding, turn: Option<Turn>) -> Self {
        Self { holding, turn, armed: false, runtime: Handle::current() }
    }

    /// From now on it may be held.
    pub(crate) fn arm(&mut self) {
        self.armed = true;
    }

    /// It is certain that it isn't.
    pub(crate) fn disarm(&mut self) {
        self.armed = false;
    }

    /// Gives back in the background what may be held, and goes on as another owner.
    pub(crate) fn start_over(&mut self) {
        if std::mem::take(&mut self.armed) {
            let holding = self.holding.clone();
            self.runtime.spawn(async move { holding.release().await });
            self.holding.claim.owner = Owner::fresh();
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

/// Gives a holding back, and passes the turn on.
///
/// The turn passes as soon as the command is on its way: what the next in line sends comes behind it on the same connection,
/// which saves a round trip. That leaves other processes no chance, so that after some in a row the next one here waits.
async fn give_back(holding: &Holding, turn: Option<Turn>) -> bool {
    let releasing = holding.release();
    let Some(turn) = turn.filter(Turn::is_wanted) else { return releasing.await.held };
    let mut releasing = pin!(releasing);
    if turn.may_pass() {
        // Written, if nothing is in its way; what is behind finds the keys taken else, and waits to be woken.
        let written = futures::poll!(&mut releasing);
        drop(turn);
        return match written {
            Poll::Ready(given_back) => given_back.held,
            Poll::Pending => releasing.await.held,
        };
    }
    let given_back = releasing.await;
    if given_back.others_wait {
        tokio::spawn(async move {
            tokio::time::sleep(COURTESY).await;
            drop(turn);
        });
    }
    given_back.held
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.armed {
            let (holding, turn) = (self.holding.clone(), self.turn.take());
            self.runtime.spawn(async move { give_back(&holding, turn).await });
        }
    }
}
