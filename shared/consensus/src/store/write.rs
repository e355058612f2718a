//! One transaction's writes: all at one revision, numbered within it.

use super::error::Error;
use super::record::{Fields, Record, Revision};
use super::span::Span;
use super::{Store, header};
use crate::api::etcdserverpb::{DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse};

/// A transaction under way. Its writes are visible in the store at once: nobody else can look before it ends.
pub(super) struct Write<'a> {
    pub(super) store: &'a mut Store,
    changes: i64,
}

impl<'a> Write<'a> {
    pub(super) fn new(store: &'a mut Store) -> Self {
        Self { store, changes: 0 }
    }

    /// The revision of what has been written so far: the store's own until there is a write.
    pub(super) fn revision(&self) -> i64 {
        self.store.revision + i64::from(self.changes > 0)
    }

    /// Makes the writes the store's new revision, if there are any, and returns the store's revision.
    pub(super) fn finish(self) -> i64 {
        self.store.revision = self.revision();
        self.store.revision
    }

    /// Puts a key. The request was checked: see [`Store::check_put`].
    pub(super) fn put(&mut self, request: &PutRequest) -> PutResponse {
        let slot = self.store.index.find(&request.key);
        let previous = self.store.index.entry(&slot).map(|entry| entry.latest().clone());
        let previous = previous.filter(|record| !record.is_tombstone());
        let known = previous.as_ref().map(Record::fields);
        let revision = self.next();
        let held = known.map_or(0, |known| known.lease);
        let lease = if request.ignore_lease { held } else { request.lease };
        let fields = Fields {
            revision,
            tombstone: false,
            key: &request.key,
            value: match known {
                Some(known) if request.ignore_value => known.value,
                _ => &request.value,
            },
            create_revision: known.map_or(revision.main, |known| known.create_revision),
            version: known.map_or(0, |known| known.version) + 1,
            lease,
        };
        let record = Record::new(&fields, &mut self.store.scratch);
        self.store.history.push(record.clone());
        self.store.index.push(&slot, record);
        self.store.leases.reattach(&request.key, held, lease);
        PutResponse {
            header: header(revision.main),
            prev_kv: previous.filter(|_| request.prev_kv).map(|record| record.key_value()),
        }
    }

    pub(super) fn delete_range(&mut self, request: &DeleteRangeRequest) -> DeleteRangeResponse {
        let span = Span::new(&request.key, &request.range_end);
        let latest = self.store.index.entries(span).map(|entry| entry.latest());
        let doomed: Vec<Record> = latest.filter(|record| !record.is_tombstone()).cloned().collect();
        doomed.iter().for_each(|record| self.delete(record.key()));
        DeleteRangeResponse {
            header: header(self.revision()),
            deleted: doomed.len() as i64,
            prev_kvs: if request.prev_kv { doomed.iter().map(Record::key_value).collect() } else { Vec::new() },
        }
    }

    /// Deletes a key, if it exists.
    pub(super) fn delete(&mut self, key: &[u8]) {
        let slot = self.store.index.find(key);
        let Some(entry) = self.store.index.entry(&slot).filter(|entry| entry.is_live()) else { return };
        let lease = entry.latest().fields().lease;
        let revision = self.next();
        let fields = Fields { revision, tombstone: true, key, value: b"", create_revision: 0, version: 0, lease: 0 };
        let record = Record::new(&fields, &mut self.store.scratch);
        self.store.history.push(record.clone());
        self.store.index.push(&slot, record);
        self.store.leases.reattach(key, lease, 0);
    }

    /// Where the next change stands in history.
    fn next(&mut self) -> Revision {
        let revision = Revision { main: self.store.revision + 1, sub: self.changes };
        self.changes += 1;
        revision
    }
}

impl Store {
    /// Whether a put can be carried out.
    pub(super) fn check_put(&self, request: &PutRequest) -> Result<(), Error> {
        if request.lease != 0 && !self.leases.contains(request.lease) {
            return Err(Error::LeaseNotFound);
        }
        let keeps = request.ignore_value || request.ignore_lease;
        if keeps && !self.index.get(&request.key).is_some_and(|entry| entry.is_live()) {
            return Err(Error::KeyNotFound);
        }
        Ok(())
    }
}
