//! Who goes first: a connection, or its streams.
//!
//! Each stream has a task, and what it has to say is sent by the connection's. The runtime runs a task that another one
//! woke right after it. So where many streams have their answers at once, each would be sent by itself, in a packet of
//! its own, which costs both sides more than the answer. A connection that lets its streams go first sends all of them
//! together.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

/// The open streams of one connection, each in a task. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Arc<AtomicUsize>);

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        self.0.fetch_add(1, Ordering::Relaxed);
        let open = Open(Arc::clone(&self.0));
        tokio::spawn(async move {
            let _open = open;
            stream.await
        });
    }
}

impl Streams {
    /// Runs the connection, behind its streams where there are several.
    pub(super) fn last_in_turn<C: Future + Unpin>(&self, connection: C) -> LastInTurn<C> {
        LastInTurn { connection, streams: self.clone(), waited: false }
    }
}

/// See [`Streams::last_in_turn`].
#[derive(Debug)]
pub(super) struct LastInTurn<C> {
    connection: C,
    streams: Streams,
    waited: bool,
}

impl<C: Future + Unpin> Future for LastInTurn<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<C::Output> {
        let waited = std::mem::replace(&mut self.waited, false);
        if !waited && self.streams.0.load(Ordering::Relaxed) > 1 {
            self.waited = true;
            // A task that wakes itself goes to the end of the queue.
            task.waker().wake_by_ref();
            return Poll::Pending;
        }
        Pin::new(&mut self.connection).poll(task)
    }
}
