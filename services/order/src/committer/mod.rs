//! Group commit: orders of many requests, written in one transaction.
//!
//! A transaction costs much the same for one order as for a hundred, so the service lets requests wait for the
//! transaction before theirs, and then commits all that came meanwhile. Under load batches grow by themselves; at rest
//! an order is committed alone, at once.

mod task;

use std::sync::Arc;

use contracts::consistency::Written;
use messaging::relay;
use service::{
    gather::{Batching, Config},
    queue::{Queue, Refusal},
};
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

use self::task::{Pending, Task};
use crate::{
    domain::{NewOrder, StoredOrder},
    store::Store,
};

/// What became of an order that was to be committed.
#[derive(Debug, Clone)]
pub enum Committed {
    /// It is stored, and its event will be published.
    Stored(Box<Written<NewOrder>>),
    /// Its key stands for this order, which asked for the same.
    Repeated(Box<Written<StoredOrder>>),
}

/// Why an order was not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many orders wait already; nothing is stored.
    #[error("too many orders are waiting to be stored")]
    Full,
    /// The database could not be reached in time. Whether the order is stored is not known when the connection was
    /// lost in the middle of a commit.
    #[error("the database is not available")]
    Unavailable,
    /// Its key stands for an order that asked for something else.
    #[error("the idempotency key stands for another order")]
    KeyTaken,
    /// The database refuses this very order; nothing is stored.
    #[error("the database refuses the order")]
    Refused,
}

impl Error {
    /// The kind of error, as `error.type` has it.
    fn class(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Unavailable => "unavailable",
            Self::KeyTaken => "key_taken",
            Self::Refused => "refused",
        }
    }
}

/// Takes orders for committing. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Committer {
    queue: Arc<Queue<Pending>>,
}

/// The running tasks of a [`Committer`].
#[derive(Debug)]
pub struct Handle {
    queue: Arc<Queue<Pending>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts the tasks that commit. `relay` is woken after each commit.
pub fn start(config: &Config, batching: &Batching, store: &Store, relay: &relay::Waker) -> (Committer, Handle) {
    let queue = Arc::new(Queue::new(config.queue));
    let tasks = (0..config.tasks.max(1))
        .map(|_| {
            tokio::spawn(
                Task::new(queue.clone(), batching.clone(), config.patience, store.writer(), relay.clone()).run(),
            )
        })
        .collect();
    (Committer { queue: queue.clone() }, Handle { queue, tasks })
}

impl Committer {
    /// Has an order committed, and answers when it is. May be dropped; an order that is not being written by then is
    /// not stored.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn commit(&self, order: NewOrder) -> Result<Committed, Error> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Pending { order, reply, queued_at: Instant::now(), span: None }).map_err(|refusal| {
            match refusal {
                Refusal::Full => Error::Full,
                Refusal::Closed => Error::Unavailable,
            }
        })?;
        answer.await.unwrap_or(Err(Error::Unavailable))
    }
}

impl Handle {
    /// Takes no more orders, commits those that wait, and ends.
    pub async fn stop(self) {
        self.queue.close();
        for task in self.tasks {
            // A task that panicked has said so itself; there is nothing left to wait for.
            let _ = task.await;
        }
    }
}
