//! First in, first out, within a process and for each key.
//!
//! Whoever comes stands in the queues of all its keys at once, and has its turn when it is at the head of each. As all
//! stand in the same order in every queue they share, nobody waits for somebody behind: there is no deadlock, and nobody is
//! overtaken by one who wants any of the same keys.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::oneshot;

use crate::Keys;

/// The queues of a process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    lines: HashMap<Box<str>, VecDeque<u64>>,
    waiting: HashMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// In how many lines it is not at the head.
    behind: usize,
    wake: oneshot::Sender<()>,
}

/// Somebody is before.
struct Behind {
    /// Completes when nobody is any more.
    woken: oneshot::Receiver<()>,
    /// The first key for which that is so.
    key: usize,
}

/// A place in the queue, and then a turn, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    queue: Queue,
    number: u64,
    keys: Keys,
}

impl Queue {
    /// Waits for its turn. Dropped, it has left.
    pub(crate) async fn turn(&self, keys: &Keys) -> Turn {
        let (turn, behind) = self.join(keys);
        if let Some(Behind { woken, .. }) = behind {
            // The sender is dropped only after it has sent, or by this turn's own end.
            let _ = woken.await;
        }
        turn
    }

    /// A turn that can be had without waiting; else which of the keys is another's.
    pub(crate) fn try_turn(&self, keys: &Keys) -> Result<Turn, usize> {
        let (turn, behind) = self.join(keys);
        behind.map_or(Ok(turn), |behind| Err(behind.key))
    }

    fn join(&self, keys: &Keys) -> (Turn, Option<Behind>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = state.next;
        state.next += 1;
        let (mut behind, mut first) = (0, None);
        for (place, key) in keys.iter().enumerate() {
            match state.lines.get_mut(key) {
                Some(line) => {
                    line.push_back(number);
                    behind += 1;
                    first.get_or_insert(place);
                }
                None => drop(state.lines.insert(key.into(), VecDeque::from([number]))),
            }
        }
        let woken = first.map(|key| {
            let (wake, woken) = oneshot::channel();
            state.waiting.insert(number, Waiting { behind, wake });
            Behind { woken, key }
        });
        (Turn { queue: self.clone(), number, keys: keys.clone() }, woken)
    }
}

impl Turn {
    /// Whether anybody waits for one of its keys.
    pub(crate) fn is_wanted(&self) -> bool {
        let state = self.queue.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.keys.iter().any(|key| state.lines.get(key).is_some_and(|line| line.len() > 1))
    }
}

impl State {
    fn leave(&mut self, number: u64, keys: &Keys) {
        self.waiting.remove(&number);
        for key in keys.iter() {
            let Some(line) = self.lines.get_mut(key) else { continue };
            if line.front() != Some(&number) {
                line.retain(|other| *other != number);
                continue;
            }
            line.pop_front();
            match line.front().copied() {
                Some(head) => self.advance(head),
                None => drop(self.lines.remove(key)),
            }
        }
    }

    fn advance(&mut self, number: u64) {
        let Some(waiting) = self.waiting.get_mut(&number) else { return };
        waiting.behind -= 1;
        if waiting.behind == 0
            && let Some(waiting) = self.waiting.remove(&number)
        {
            // One that has just been dropped leaves next, and lets the next one through.
            let _ = waiting.wake.send(());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.queue.0.lock().unwrap_or_else(PoisonError::into_inner).leave(self.number, &self.keys);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use futures::FutureExt;
    use proptest::prelude::*;

    use super::*;

    fn keys(keys: &[&str]) -> Keys {
        Keys::new(keys.iter().copied()).unwrap()
    }

    fn waiting(queue: &Queue, of: &[&str]) -> Pin<Box<dyn Future<Output = Turn>>> {
        let (queue, keys) = (queue.clone(), keys(of));
        Box::pin(async move { queue.turn(&keys).await })
    }

    #[test]
    fn whoever_shares_a_key_comes_later() {
        let queue = Queue::default();
        let first = queue.try_turn(&keys(&["a", "b"])).unwrap();
        let mut second = waiting(&queue, &["b", "c"]);
        assert!(second.as_mut().now_or_never().is_none());
        let mut third = waiting(&queue, &["c"]);
        assert!(third.as_mut().now_or_never().is_none(), "not before the second, though nobody has c");
        assert!(queue.try_turn(&keys(&["d"])).is_ok());
        assert_eq!(queue.try_turn(&keys(&["0", "c", "d"])).err(), Some(1));
        drop(first);
        let second = second.now_or_never().unwrap();
        drop(second);
        assert!(third.now_or_never().is_some());
        let state = queue.0.lock().unwrap();
        assert!(state.lines.is_empty() && state.waiting.is_empty());
    }

    #[test]
    fn one_who_gives_up_lets_the_next_through() {
        let queue = Queue::default();
        let first = queue.try_turn(&keys(&["a"])).unwrap();
        let mut second = waiting(&queue, &["a", "b"]);
        assert!(second.as_mut().now_or_never().is_none());
        let mut third = waiting(&queue, &["b"]);
        assert!(third.as_mut().now_or_never().is_none());
        drop(second);
        assert!(third.now_or_never().is_some());
        assert_eq!(queue.try_turn(&keys(&["a"])).err(), Some(0));
        drop(first);
        assert!(queue.try_turn(&keys(&["a"])).is_ok());
    }

    proptest! {
        /// Whatever sets of keys come, and whoever gives up: turns never share a key, and all have theirs in the end.
        #[test]
        fn all_have_their_turn(
            sets in prop::collection::vec((prop::collection::btree_set(0u8..6, 1..4), any::<bool>()), 1..40),
        ) {
            let queue = Queue::default();
            let mut all: Vec<_> = sets
                .iter()
                .map(|(set, stays)| (queue.join(&Keys::new(set.iter().map(u8::to_string)).unwrap()), *stays))
                .collect();
            all.retain(|(_, stays)| *stays);
            while !all.is_empty() {
                let has_turn = |((_, behind), _): &mut ((Turn, Option<Behind>), bool)| {
                    behind.as_mut().is_none_or(|behind| behind.woken.try_recv().is_ok())
                };
                let (ready, waiting): (Vec<_>, Vec<_>) = all.into_iter().map(|mut one| (has_turn(&mut one), one)).partition(|(ready, _)| *ready);
                prop_assert!(!ready.is_empty(), "somebody starves");
                for (place, (_, ((turn, _), _))) in ready.iter().enumerate() {
                    for (_, ((other, _), _)) in &ready[..place] {
                        prop_assert!(turn.keys.iter().all(|key| !other.keys.contains(key)));
                    }
                }
                all = waiting.into_iter().map(|(_, one)| one).collect();
            }
            prop_assert!(queue.0.lock().unwrap().lines.is_empty());
        }
    }
}
