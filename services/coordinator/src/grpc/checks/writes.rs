//! Whether a transaction writes a key twice.

use std::collections::{BTreeMap, HashSet};

use consensus::{
    api::etcdserverpb::{RequestOp, request_op::Request},
    store::Span,
};
use tonic::Status;

use crate::grpc::status;

/// What a list of operations may write, whichever branches are taken.
#[derive(Default)]
pub(super) struct Writes<'a> {
    puts: HashSet<&'a [u8]>,
    deletions: Deletions<'a>,
}

impl<'a> Writes<'a> {
    pub(super) fn of(operations: &'a [RequestOp]) -> Result<Self, Status> {
        let mut writes = Self::default();
        for operation in operations {
            if let Some(Request::RequestDeleteRange(request)) = &operation.request {
                writes.deletions.insert(Span::new(&request.key, &request.range_end));
            }
        }
        for operation in operations {
            if let Some(Request::RequestTxn(request)) = &operation.request {
                writes.add_branches(Self::of(&request.success)?, Self::of(&request.failure)?)?;
            }
        }
        for operation in operations {
            if let Some(Request::RequestPut(request)) = &operation.request {
                writes.add_put(&request.key)?;
            }
        }
        Ok(writes)
    }

    /// Two branches may put the same key: only one of them is taken.
    fn add_branches(&mut self, success: Self, failure: Self) -> Result<(), Status> {
        for key in &success.puts {
            self.add_put(key)?;
        }
        for key in failure.puts {
            if !success.puts.contains(key) {
                self.add_put(key)?;
            }
        }
        self.deletions.extend(success.deletions);
        self.deletions.extend(failure.deletions);
        Ok(())
    }

    fn add_put(&mut self, key: &'a [u8]) -> Result<(), Status> {
        if self.deletions.contains(key) || !self.puts.insert(key) {
            return Err(status::duplicate_key());
        }
        Ok(())
    }
}

/// A set of keys and ranges, asked in logarithmic time: a request may hold a hundred thousand of them.
#[derive(Default)]
struct Deletions<'a> {
    keys: HashSet<&'a [u8]>,
    /// Start and end of ranges that neither overlap nor touch.
    ranges: BTreeMap<&'a [u8], &'a [u8]>,
}

impl<'a> Deletions<'a> {
    fn contains(&self, key: &[u8]) -> bool {
        self.keys.contains(key) || self.ranges.range(..=key).next_back().is_some_and(|(_, end)| key < *end)
    }

    fn insert(&mut self, span: Span<'a>) {
        match span {
            Span::One(key) => _ = self.keys.insert(key),
            Span::Between(start, end) if start < end => self.insert_range(start, end),
            // etcd's check takes the end that means "all above" for the least key there is, and such a range for empty.
            Span::Between(..) | Span::From(_) => {}
        }
    }

    fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
        other.ranges.into_iter().for_each(|(start, end)| self.insert_range(start, end));
    }

    fn insert_range(&mut self, mut start: &'a [u8], mut end: &'a [u8]) {
        if let Some((before, ends)) = self.ranges.range(..=start).next_back().filter(|(_, ends)| start <= **ends) {
            (start, end) = (before, end.max(ends));
        }
        while let Some((&next, &ends)) = self.ranges.range(start..).next().filter(|(next, _)| **next <= end) {
            self.ranges.remove(next);
            end = end.max(ends);
        }
        self.ranges.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(0_u8..4, 0..3)
    }

    proptest! {
        #[test]
        fn holds_what_was_put_in_and_nothing_else(
            spans in proptest::collection::vec((key(), key()), 0..12), asked in proptest::collection::vec(key(), 1..20)
        ) {
            let spans = spans.iter().map(|(start, end)| Span::new(start, end));
            let spans: Vec<Span<'_>> = spans.filter(|span| !matches!(span, Span::From(_))).collect();
            let (mut deletions, mut second) = (Deletions::default(), Deletions::default());
            for (place, span) in spans.iter().enumerate() {
                if place % 3 == 0 { second.insert(*span) } else { deletions.insert(*span) }
            }
            deletions.extend(second);
            for key in asked {
                prop_assert_eq!(deletions.contains(&key), spans.iter().any(|span| span.contains(&key)));
            }
        }
    }
}
