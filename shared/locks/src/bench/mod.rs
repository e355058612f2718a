//! How a way to lock fares under contention: so many contenders, in one process or several at once, want the same keys.

mod contender;
mod handover;
mod report;
mod witness;

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::Instant};

use self::contender::Contender;
pub use self::{handover::hand_over, report::Report, witness::Witness};
use crate::{Guard, Keys, LockError, Locks, Request};

/// How contenders wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// As [`Locks::lock`] does.
    Queued,
    /// With [`Locks::try_lock`], and a pause of anything up to 200 ms after each attempt that failed: the usual way, to
    /// compare with. Each contender needs [`Locks`] of its own then, or the process's queue helps it.
    Polling,
}

/// What contenders do.
#[derive(Debug, Clone, Copy)]
pub struct Contest {
    /// How many there are in this process.
    pub contenders: usize,
    /// How many keys there are; each contender takes one, its number modulo this.
    pub keys: usize,
    /// How long each holds.
    pub hold: Duration,
    /// How long each does something else before it asks again. Without it, whoever polls asks again right after its own
    /// release, and finds the lock free before anybody else has looked.
    pub think: Duration,
    /// How long all of it lasts.
    pub duration: Duration,
    /// How they wait.
    pub waiting: Waiting,
}

/// What a contender has while it is inside.
pub trait Inside: Send {
    /// Gives it back; whether it was held until then.
    fn leave(self) -> impl Future<Output = bool> + Send;
}

impl Inside for Guard {
    async fn leave(self) -> bool {
        self.release().await.held
    }
}

/// Why a contender did not get inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// The end came while it was another's turn.
    Ended,
    /// It could not be had.
    Failed,
}

impl From<LockError> for Missed {
    fn from(error: LockError) -> Self {
        match error {
            LockError::TimedOut { last: None, .. } | LockError::Busy { .. } => Self::Ended,
            _ => Self::Failed,
        }
    }
}

/// Runs a contest by any strategy but `database`, of which the guard guards nothing; `locks` makes each contender's, the
/// same for all or one each. What this process sees of two inside at once is counted, see [`contend_by`].
///
/// Must be called within a runtime.
pub async fn contend(locks: impl Fn(usize) -> Locks, contest: Contest) -> Report {
    contend_seen_by(Witness::of_this_process(contest.keys), locks, contest).await
}

/// The same, with a witness that may see other processes, too.
pub async fn contend_seen_by(witness: Witness, locks: impl Fn(usize) -> Locks, contest: Contest) -> Report {
    let locks: Arc<[Locks]> = (0..contest.contenders).map(locks).collect();
    let enter = move |number: usize, key: Keys, end: Instant| {
        let locks = locks[number].clone();
        async move {
            match contest.waiting {
                Waiting::Queued => Ok(locks.lock(&key, Request::until(end)).await?),
                Waiting::Polling => Ok(contender::poll(&locks, &key, end).await?),
            }
        }
    };
    contend_by(enter, contest, witness).await
}

/// Runs a contest by whatever else keeps contenders apart, such as transactions that lock rows. `enter` is given a
/// contender's number, its key, and when it need not wait any longer.
///
/// Those who wait at the end are counted with what they have waited until then, so that nobody who starves is left out.
///
/// Must be called within a runtime.
pub async fn contend_by<E, I>(
    enter: impl Fn(usize, Keys, Instant) -> E + Send + Sync + 'static,
    contest: Contest,
    witness: Witness,
) -> Report
where
    E: Future<Output = Result<I, Missed>> + Send + 'static,
    I: Inside + 'static,
{
    let begun = Instant::now();
    let (enter, witness) = (Arc::new(enter), Arc::new(witness));
    let mut tasks = JoinSet::new();
    for number in 0..contest.contenders {
        let (enter, witness) = (Arc::clone(&enter), Arc::clone(&witness));
        let contender = Contender { number, contest, end: begun + contest.duration, witness };
        tasks.spawn(async move { contender.run(&*enter).await });
    }
    Report::of(tasks.join_all().await, begun.elapsed())
}
