//! Reads of keys.

use std::cmp::Ordering;

use bytes::Bytes;

use super::entry::Entry;
use super::error::Error;
use super::record::{Fields, Record};
use super::span::Span;
use super::{Store, header};
use crate::api::etcdserverpb::range_request::{SortOrder, SortTarget};
use crate::api::etcdserverpb::{RangeRequest, RangeResponse};
use crate::api::mvccpb;

/// What is found: the records to show, whether the limit cut more off, and how many keys the span holds.
struct Found<'a> {
    records: Vec<&'a Record>,
    more: bool,
    count: usize,
}

/// The versions of a span's keys that exist at one revision.
struct View<'a> {
    store: &'a Store,
    span: Span<'a>,
    at: i64,
    /// Nothing is newer than `at`: every entry's latest version is the one, and totals are known.
    current: bool,
}

impl Store {
    /// Reads keys. The header carries the store's revision, `count` how many keys the whole span holds.
    ///
    /// # Errors
    /// [`Error::Compacted`] and [`Error::FutureRevision`] for a revision that can't be read.
    pub fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Error> {
        self.range_within(request, self.revision)
    }

    /// Reads keys in a transaction that may have written: `current` is the revision of what it has written.
    pub(super) fn range_within(&self, request: &RangeRequest, current: i64) -> Result<RangeResponse, Error> {
        if request.revision > current {
            return Err(Error::FutureRevision);
        }
        let at = if request.revision <= 0 { current } else { request.revision };
        if at < self.compact_revision {
            return Err(Error::Compacted);
        }
        let span = Span::new(&request.key, &request.range_end);
        let found = View { store: self, span, at, current: at == current }.find(request);
        Ok(RangeResponse {
            header: header(current),
            kvs: found.records.into_iter().map(|record| show(record, request.keys_only)).collect(),
            more: found.more,
            count: found.count as i64,
        })
    }
}

fn show(record: &Record, keys_only: bool) -> mvccpb::KeyValue {
    let shown = record.key_value();
    if keys_only { mvccpb::KeyValue { value: Bytes::new(), ..shown } } else { shown }
}

impl<'a> View<'a> {
    fn find(&self, request: &RangeRequest) -> Found<'a> {
        if request.count_only {
            return Found { records: Vec::new(), more: false, count: self.count() };
        }
        let limit = usize::try_from(request.limit).ok().filter(|&limit| limit > 0).unwrap_or(usize::MAX);
        let filter = Filter::new(request);
        match (order(request), filter) {
            (Order::Key, None) => self.first(self.live(), limit),
            (Order::KeyDescending, None) => self.first(self.live().rev(), limit),
            // Where no order is asked for, etcd reads no more than the limit before it sorts.
            (Order::Target(target, false), None) if request.sort_order() == SortOrder::None => {
                let mut found = self.first(self.live(), limit.saturating_add(1));
                found.more = found.records.len() > limit;
                found.records.sort_by(|a, b| compare(target, &a.fields(), &b.fields()));
                found.records.truncate(limit);
                found
            }
            (order, filter) => self.sorted(&order, filter, limit),
        }
    }

    fn live(&self) -> impl DoubleEndedIterator<Item = &'a Record> + use<'a> {
        let at = self.at;
        self.store.index.entries(self.span).filter_map(move |entry: &Entry| entry.live_at(at))
    }

    fn count(&self) -> usize {
        if self.current { self.store.index.count(self.span) } else { self.live().count() }
    }

    /// The first records in an order that the index has.
    fn first(&self, mut live: impl Iterator<Item = &'a Record>, limit: usize) -> Found<'a> {
        let records: Vec<_> = live.by_ref().take(limit).collect();
        let count = match self.span {
            _ if records.len() < limit => records.len(),
            _ if self.current => self.store.index.count(self.span),
            _ => records.len() + live.count(),
        };
        Found { more: count > records.len(), records, count }
    }

    /// The first records in another order, or those that pass a filter: all have to be looked at.
    fn sorted(&self, order: &Order, filter: Option<Filter>, limit: usize) -> Found<'a> {
        let mut count = 0;
        let seen = self.live().inspect(|_| count += 1);
        let mut records: Vec<_> =
            seen.filter(|record| filter.as_ref().is_none_or(|filter| filter.passes(&record.fields()))).collect();
        let more = records.len() > limit;
        match order {
            Order::Key => {}
            Order::KeyDescending => records.reverse(),
            Order::Target(target, descending) => {
                // Equal ones stay in the order of their keys.
                let compare = |a: &&Record, b: &&Record| {
                    let by_target = compare(*target, &a.fields(), &b.fields());
                    let by_target = if *descending { by_target.reverse() } else { by_target };
                    by_target.then_with(|| a.key().cmp(b.key()))
                };
                if more {
                    records.select_nth_unstable_by(limit, compare);
                    records.truncate(limit);
                }
                records.sort_unstable_by(compare);
            }
        }
        records.truncate(limit);
        Found { records, more, count }
    }
}

enum Order {
    Key,
    KeyDescending,
    /// By something else, descending or not.
    Target(SortTarget, bool),
}

/// Without an order, anything but the key is sorted ascending.
fn order(request: &RangeRequest) -> Order {
    let descending = request.sort_order() == SortOrder::Descend;
    match request.sort_target() {
        SortTarget::Key if descending => Order::KeyDescending,
        SortTarget::Key => Order::Key,
        target => Order::Target(target, descending),
    }
}

fn compare(target: SortTarget, a: &Fields<'_>, b: &Fields<'_>) -> Ordering {
    match target {
        SortTarget::Key => a.key.cmp(b.key),
        SortTarget::Version => a.version.cmp(&b.version),
        SortTarget::Create => a.create_revision.cmp(&b.create_revision),
        SortTarget::Mod => a.revision.main.cmp(&b.revision.main),
        SortTarget::Value => a.value.cmp(b.value),
    }
}

/// Bounds of mod and create revision, both inclusive; 0 is none.
struct Filter {
    modified: (i64, i64),
    created: (i64, i64),
}

impl Filter {
    fn new(request: &RangeRequest) -> Option<Self> {
        let modified = (request.min_mod_revision, request.max_mod_revision);
        let created = (request.min_create_revision, request.max_create_revision);
        (modified != (0, 0) || created != (0, 0)).then_some(Self { modified, created })
    }

    fn passes(&self, fields: &Fields<'_>) -> bool {
        let within = |(min, max): (i64, i64), revision| (min == 0 || revision >= min) && (max == 0 || revision <= max);
        within(self.modified, fields.revision.main) && within(self.created, fields.create_revision)
    }
}
