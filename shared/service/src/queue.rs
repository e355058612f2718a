//! A bounded queue from which several tasks take many at once.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// Why something was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// As many as it holds are waiting.
    #[error("the queue is full")]
    Full,
    /// It takes nothing any more.
    #[error("the queue is closed")]
    Closed,
}

/// First in, first out. Its lock is held for a push or for the moving of a batch, never across an await.
#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Notify,
    capacity: usize,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    /// One that holds up to `capacity` items, and one at least.
    pub fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::new(State { waiting: VecDeque::new(), closed: false }),
            ready: Notify::new(),
            capacity: capacity.max(1),
        }
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn push(&self, item: T) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if state.waiting.len() >= self.capacity {
            return Err(Refusal::Full);
        }
        state.waiting.push_back(item);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Moves up to `most` items to the end of `taken`, waiting until there is one; `most` is asked when there is. `false`
    /// when the queue is closed and empty. Nothing is lost when the future is dropped.
    pub async fn take(&self, most: impl Fn() -> usize, taken: &mut Vec<T>) -> bool {
        loop {
            if self.take_now(most(), taken) > 0 {
                return true;
            }
            if self.lock().closed {
                // Others may be waiting too: the word is passed on from one to the next.
                self.ready.notify_one();
                return false;
            }
            self.ready.notified().await;
        }
    }

    /// Moves up to `most` items that are there to the end of `taken`; answers how many.
    pub fn take_now(&self, most: usize, taken: &mut Vec<T>) -> usize {
        let mut state = self.lock();
        let count = state.waiting.len().min(most);
        taken.extend(state.waiting.drain(..count));
        let left = !state.waiting.is_empty();
        drop(state);
        if left {
            // One notification is kept, however many items came while nobody waited.
            self.ready.notify_one();
        }
        count
    }

    /// Refuses what comes from now on. What is queued can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing in here panics while it holds the lock, so the state is whole even then.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn takes_what_is_there_in_order_and_up_to_the_most() {
        let queue = Queue::new(10);
        (0..5).for_each(|n| queue.push(n).unwrap());
        let mut taken = Vec::new();
        assert!(queue.take(|| 3, &mut taken).await);
        assert_eq!(taken, [0, 1, 2]);
        assert!(queue.take(|| 3, &mut taken).await);
        assert_eq!(taken, [0, 1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn refuses_when_full_and_when_closed() {
        let queue = Queue::new(1);
        queue.push(1).unwrap();
        assert_eq!(queue.push(2), Err(Refusal::Full));
        queue.close();
        assert_eq!(queue.push(3), Err(Refusal::Closed));
        let mut taken = Vec::new();
        assert!(queue.take(|| 9, &mut taken).await);
        assert!(!queue.take(|| 9, &mut taken).await);
        assert_eq!(taken, [1]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_item_is_taken_once_by_many_takers() {
        let queue = Arc::new(Queue::new(100_000));
        let takers: Vec<_> = (0..8)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move {
                    let mut taken = Vec::new();
                    while queue.take(|| 7, &mut taken).await {}
                    taken
                })
            })
            .collect();
        let pushers: Vec<_> = (0..4)
            .map(|p| {
                let queue = queue.clone();
                tokio::spawn(async move { (0..5_000).for_each(|n| queue.push(p * 5_000 + n).unwrap()) })
            })
            .collect();
        for pusher in pushers {
            pusher.await.unwrap();
        }
        queue.close();
        let mut all = Vec::new();
        for taker in takers {
            all.extend(taker.await.unwrap());
        }
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..20_000));
    }
}
