//! The greatest version that was known by a time.

use std::time::Duration;

use super::Operation;

/// The greatest rank among operations that had ended by a time, and whose it is.
#[derive(Debug, Default)]
pub(super) struct Floor(Vec<(Duration, u64, usize)>);

impl Floor {
    /// Of operations with their ranks.
    pub(super) fn of<'a>(operations: impl Iterator<Item = (usize, &'a Operation, u64)>) -> Self {
        let mut ends: Vec<_> = operations.map(|(n, operation, rank)| (operation.end, rank, n)).collect();
        ends.sort_unstable();
        let mut greatest = (0, usize::MAX);
        for (_, rank, n) in &mut ends {
            if *rank > greatest.0 {
                greatest = (*rank, *n);
            }
            (*rank, *n) = greatest;
        }
        Self(ends)
    }

    /// Among those that ended before a time: two at the same are taken to have been under way together.
    pub(super) fn before(&self, time: Duration) -> Option<(u64, usize)> {
        let upto = self.0.partition_point(|(end, ..)| *end < time);
        let (_, rank, n) = self.0[..upto].last()?;
        Some((*rank, *n))
    }
}
