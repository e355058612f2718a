//! Reservations of many requests, made together: under one lock, in one transaction.
//!
//! A lock and a transaction cost much the same for one request as for a hundred. So requests wait while those before them
//! are decided, and all that came meanwhile are decided together, in memory, one after the other. Under load batches grow
//! by themselves; at rest a request is decided alone, at once.

mod pending;
mod task;

use std::sync::Arc;

use contracts::consistency::Written;
use locks::LockError;
use service::{
    gather::{Batching, Config, Taker},
    queue::{Queue, Refusal},
};
use telemetry::context::TraceContext;
use tokio::{sync::oneshot, task::JoinHandle, time::Instant};

use self::{pending::Pending, task::Task};
use crate::{
    domain::{Answer, DirectReservation},
    locking::Locking,
    store::{ChangeError, Store},
};

/// Why a request was not decided. Shared by all that were in its transaction.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Too many requests wait already.
    #[error("too many reservations are waiting to be made")]
    Full,
    /// It could not be made in time. Whether it is made is not known where the database was lost in the middle of a commit.
    #[error("the reservation could not be made in time")]
    Late,
    /// The lock of the products' stock was not to be had.
    #[error(transparent)]
    NotLocked(Arc<LockError>),
    /// It was not stored.
    #[error(transparent)]
    NotChanged(Arc<ChangeError>),
}

impl Error {
    /// Its class, for spans.
    fn class(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Late => "unavailable",
            Self::NotLocked(_) => "not_locked",
            Self::NotChanged(error) => error.class(),
        }
    }
}

/// Takes requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gathering {
    queue: Arc<Queue<Pending>>,
}

/// The running tasks of a [`Gathering`].
#[derive(Debug)]
pub struct Handle {
    queue: Arc<Queue<Pending>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts the tasks that decide.
pub fn start(config: &Config, batching: &Batching, store: &Store, locking: &Locking) -> (Gathering, Handle) {
    let queue = Arc::new(Queue::new(config.queue));
    let task = || Task {
        taker: Taker::new(queue.clone(), batching.clone()),
        patience: config.patience,
        store: store.clone(),
        locking: locking.clone(),
    };
    let tasks = (0..config.tasks.max(1)).map(|_| tokio::spawn(task().run())).collect();
    (Gathering { queue: queue.clone() }, Handle { queue, tasks })
}

impl Gathering {
    /// Has a reservation made, and answers when it is decided. May be dropped; what is not being decided by then is not
    /// made.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reserve(
        &self,
        wanted: DirectReservation,
        trace: Option<TraceContext>,
    ) -> Result<Written<Answer>, Error> {
        let (reply, answer) = oneshot::channel();
        let pending = Pending { wanted, trace, reply, queued_at: Instant::now(), span: None };
        self.queue.push(pending).map_err(|refusal| match refusal {
            Refusal::Full => Error::Full,
            Refusal::Closed => Error::Late,
        })?;
        answer.await.unwrap_or(Err(Error::Late))
    }
}

impl Handle {
    /// Takes no more requests, decides those that wait, and ends.
    pub async fn stop(self) {
        self.queue.close();
        for task in self.tasks {
            // A task that panicked has said so itself; there is nothing left to wait for.
            let _ = task.await;
        }
    }
}
