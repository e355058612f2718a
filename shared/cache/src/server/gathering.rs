//! Reads of one key each: alone while few are under way, else gathered, so that what waits meanwhile goes as one exchange. Under
//! load exchanges grow by themselves, and a read costs less.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use memcache::exp::Get;
use tokio::{runtime::Handle, sync::oneshot};

use super::{Away, Found, Server};

/// How many exchanges are under way at once, at most.
const LANES: usize = 4;
/// How many reads one has, at most.
const TOGETHER: usize = 64;

/// What waits for an exchange.
#[derive(Debug, Default)]
pub(super) struct Gathering(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    under_way: usize,
    reads: VecDeque<Read>,
}

#[derive(Debug)]
struct Read {
    get: Get,
    tell: oneshot::Sender<Result<Found, Away>>,
}

/// A place among those under way. Given back, what waits goes.
struct Lane(Server);

impl Server {
    /// Asks for one key, together with whoever asks at the same time.
    pub(super) async fn get_gathered(&self, get: Get) -> Result<Found, Away> {
        match self.board(get) {
            Ok((lane, get)) => {
                let found = self.attempt(async |client| Ok(vec![client.run(get).await])).await;
                drop(lane);
                found?.pop().unwrap_or(Err(Away)).map(Found::of)
            }
            // It was dropped with the runtime.
            Err(told) => told.await.unwrap_or(Err(Away)),
        }
    }

    fn board(&self, get: Get) -> Result<(Lane, Get), oneshot::Receiver<Result<Found, Away>>> {
        let mut waiting = self.waiting();
        if waiting.under_way < LANES {
            waiting.under_way += 1;
            return Ok((Lane(self.clone()), get));
        }
        let (tell, told) = oneshot::channel();
        waiting.reads.push_back(Read { get, tell });
        Err(told)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.gathering.0.lock().expect("nothing panics while it holds the lock")
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        let count = waiting.reads.len().min(TOGETHER);
        let reads: Vec<Read> = waiting.reads.drain(..count).collect();
        match Handle::try_current() {
            Ok(runtime) if !reads.is_empty() => {
                drop(waiting);
                runtime.spawn(go(Self(self.0.clone()), reads));
            }
            _ => waiting.under_way -= 1,
        }
    }
}

async fn go(lane: Lane, reads: Vec<Read>) {
    let (gets, tells): (Vec<_>, Vec<_>) = reads.into_iter().map(|read| (read.get, read.tell)).unzip();
    let found =
        if lane.0.is_away() { Err(Away) } else { lane.0.attempt(async |client| client.run_many(gets).await).await };
    drop(lane);
    let mut found = found.unwrap_or_default().into_iter();
    for tell in tells {
        // Whoever asked may have gone.
        let _ = tell.send(found.next().unwrap_or(Err(Away)).map(Found::of));
    }
}
