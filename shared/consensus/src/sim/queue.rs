//! What happens next.

use std::{cmp::Ordering, collections::BinaryHeap};

/// Things to happen at their times; those of the same time in the order they were added.
#[derive(Debug)]
pub(super) struct Queue<T> {
    heap: BinaryHeap<Item<T>>,
    added: u64,
}

#[derive(Debug)]
struct Item<T> {
    at: u64,
    number: u64,
    what: T,
}

impl<T> Queue<T> {
    pub(super) fn new() -> Self {
        Self { heap: BinaryHeap::new(), added: 0 }
    }

    pub(super) fn push(&mut self, at: u64, what: T) {
        self.added += 1;
        self.heap.push(Item { at, number: self.added, what });
    }

    pub(super) fn pop(&mut self) -> Option<(u64, T)> {
        self.heap.pop().map(|item| (item.at, item.what))
    }
}

/// The heap has its greatest first: the earliest is the greatest.
impl<T> Ord for Item<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<T> PartialOrd for Item<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Item<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Item<T> {}
