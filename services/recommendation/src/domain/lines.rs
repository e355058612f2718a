//! The lines of all baskets, one behind the other in one ring: no allocation a basket, and read in order.

use std::{collections::VecDeque, collections::vec_deque::Iter, iter::Copied};

/// The lines of all baskets. A place is a count of lines ever put, and wraps; the window is far smaller than its range.
#[derive(Debug, Default)]
pub(super) struct Lines {
    ring: VecDeque<u32>,
    first: u32,
}

impl Lines {
    /// Where the next line will stand.
    pub(super) fn end(&self) -> u32 {
        self.first.wrapping_add(self.ring.len() as u32)
    }

    pub(super) fn put(&mut self, product: u32) {
        self.ring.push_back(product);
    }

    /// The oldest line.
    pub(super) fn take(&mut self) -> Option<u32> {
        let taken = self.ring.pop_front();
        self.first = self.first.wrapping_add(u32::from(taken.is_some()));
        taken
    }

    pub(super) fn at(&self, place: u32, count: u16) -> Copied<Iter<'_, u32>> {
        let begin = place.wrapping_sub(self.first) as usize;
        self.ring.range(begin..begin + usize::from(count)).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }
}
