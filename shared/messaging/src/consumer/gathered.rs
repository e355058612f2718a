//! What has come from Kafka and waits to be taken: a batch grows until somebody takes it.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::Batching;
use crate::Message;

/// Messages between the thread that reads them and the task that takes them; so many wait at most as a batch may have.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    state: Mutex<State>,
    came: Notify,
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    /// When the first of them came, of which a batch has not waited long enough.
    since: Option<Instant>,
    /// Nobody puts any more.
    closed: bool,
    /// Nobody takes any more.
    left: bool,
}

impl Gathered {
    /// Puts a message behind the others, once there is room for it; `false` where nobody takes it any more.
    pub(super) fn put(&self, message: Message, most: usize) -> bool {
        let full = |state: &mut State| state.messages.len() >= most && !state.left;
        let mut state = self.room.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner);
        if state.left {
            return false;
        }
        state.messages.push_back(message);
        state.since.get_or_insert_with(Instant::now);
        // A batch that waits for more need not be woken for each.
        let wakes = state.messages.len() == 1 || state.messages.len() >= most;
        drop(state);
        if wakes {
            self.came.notify_one();
        }
        true
    }

    /// Says that nothing comes any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.came.notify_one();
    }

    /// Says that nothing is taken any more.
    pub(super) fn leave(&self) {
        self.state().left = true;
        self.room.notify_all();
    }

    /// Whether nothing is taken any more.
    pub(super) fn is_left(&self) -> bool {
        self.state().left
    }

    /// The next batch: all that is there, up to the most, once the first of it has waited as long as it is to wait for more.
    /// `None` where nothing comes any more. Takes nothing when it is dropped.
    pub(super) async fn take(&self, batching: &Batching) -> Option<Vec<Message>> {
        loop {
            let came = self.came.notified();
            let (most, wait) = (batching.max.count(), batching.wait.get());
            match self.look(most, wait) {
                Look::Nothing => came.await,
                // It may be full before.
                Look::Until(deadline) => drop(timeout_at(deadline, came).await),
                Look::Batch => return Some(self.drain(most)),
                Look::Closed => return None,
            }
        }
    }

    fn look(&self, most: usize, wait: Duration) -> Look {
        let state = self.state();
        match state.since.map(|since| since + wait) {
            None if state.closed => Look::Closed,
            None => Look::Nothing,
            Some(deadline) if state.messages.len() < most && !state.closed && Instant::now() < deadline => {
                Look::Until(deadline)
            }
            Some(_) => Look::Batch,
        }
    }

    fn drain(&self, most: usize) -> Vec<Message> {
        let mut state = self.state();
        let taken = most.min(state.messages.len());
        let batch = state.messages.drain(..taken).collect();
        // What is left has waited with it.
        if state.messages.is_empty() {
            state.since = None;
        }
        self.room.notify_all();
        batch
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic is done under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Look {
    Nothing,
    Until(Instant),
    Batch,
    Closed,
}

/// The end at which messages are taken: nothing is put any more once it is dropped.
#[derive(Debug)]
pub(super) struct Taking {
    pub(super) gathered: Arc<Gathered>,
    pub(super) batching: Batching,
}

impl Taking {
    /// See [`Gathered::take`].
    pub(super) async fn next(&mut self) -> Option<Vec<Message>> {
        self.gathered.take(&self.batching).await
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        self.gathered.leave();
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Timestamp, topics::Topic};
    use coordination::settings::Setting;

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    fn message(offset: i64) -> Message {
        Message::bare(Topic::Orders, 0, offset, Timestamp::now())
    }

    fn batching(max: i64, wait: Duration) -> Batching {
        Batching { max: Setting::fixed(max), wait: Setting::fixed(wait) }
    }

    fn offsets(batch: Option<Vec<Message>>) -> Vec<i64> {
        batch.unwrap().iter().map(|message| message.offset).collect()
    }

    #[tokio::test]
    async fn a_batch_is_all_that_came_since_the_last_up_to_the_most() {
        let gathered = Gathered::default();
        (0..5).for_each(|offset| assert!(gathered.put(message(offset), 10)));
        let batching = batching(3, Duration::ZERO);
        assert_eq!(offsets(gathered.take(&batching).await), [0, 1, 2]);
        assert!(gathered.put(message(5), 10));
        assert_eq!(offsets(gathered.take(&batching).await), [3, 4, 5]);
    }

    #[tokio::test]
    async fn a_batch_waits_for_more_until_it_is_full() {
        let gathered = Gathered::default();
        assert!(gathered.put(message(0), 2));
        let batching = batching(2, LONG);
        let mut taking = std::pin::pin!(gathered.take(&batching));
        assert!(futures::poll!(&mut taking).is_pending());
        assert!(gathered.put(message(1), 2));
        assert_eq!(offsets(taking.await), [0, 1]);
    }

    #[tokio::test]
    async fn what_is_there_is_taken_before_the_end() {
        let gathered = Gathered::default();
        assert!(gathered.put(message(0), 2));
        gathered.close();
        let batching = batching(2, LONG);
        assert_eq!(offsets(gathered.take(&batching).await), [0]);
        assert!(gathered.take(&batching).await.is_none());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_finds_no_room_waits_until_it_is_taken() {
        let gathered = Arc::new(Gathered::default());
        let putting = gathered.clone();
        let putting = tokio::task::spawn_blocking(move || (0..100).all(|offset| putting.put(message(offset), 3)));
        let (batching, mut taken) = (batching(3, Duration::ZERO), Vec::new());
        while taken.len() < 100 {
            let batch = offsets(gathered.take(&batching).await);
            assert!(batch.len() <= 3, "{batch:?}");
            taken.extend(batch);
        }
        assert!(putting.await.unwrap());
        assert_eq!(taken, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_finds_no_room_is_told_when_nobody_takes_any_more() {
        let gathered = Arc::new(Gathered::default());
        let taking = Taking { gathered: gathered.clone(), batching: Batching::default() };
        let putting = tokio::task::spawn_blocking(move || (0..).take_while(|n| gathered.put(message(*n), 3)).count());
        drop(taking);
        assert!(putting.await.unwrap() <= 3);
    }
}
