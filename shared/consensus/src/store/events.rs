//! What changed, for watches.

use super::Store;
use super::error::Error;
use super::record::{Record, Revision};
use crate::api::mvccpb::{Event, KeyValue, event::EventType};

/// A change, as history has it.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    /// The revision it happened at; all events of one revision are one transaction's.
    pub main: i64,
    /// Whether the key was deleted rather than put.
    pub tombstone: bool,
    /// The key.
    pub key: &'a [u8],
    /// Everything else.
    pub record: &'a Record,
}

impl<'a> EventRef<'a> {
    fn new(record: &'a Record) -> Self {
        Self { main: record.main(), tombstone: record.is_tombstone(), key: record.key(), record }
    }

    /// Its place in its transaction.
    pub fn sub(&self) -> i64 {
        self.record.revision().sub
    }

    /// As clients get it. The previous version is left out: see [`Store::previous`].
    pub fn event(&self) -> Event {
        let kind = if self.tombstone { EventType::Delete } else { EventType::Put };
        Event { r#type: kind.into(), kv: Some(self.record.key_value()), prev_kv: None }
    }
}

impl Store {
    /// What changed at revision `from` and later, in order. Costs nothing before the iterator is asked.
    ///
    /// # Errors
    /// [`Error::Compacted`] if `from` is below the compact revision. At that revision itself all events are still
    /// there, as etcd has them.
    pub fn events(&self, from: i64) -> Result<impl Iterator<Item = EventRef<'_>> + Clone, Error> {
        if from < self.compact_revision {
            return Err(Error::Compacted);
        }
        Ok(self.history.from(Revision { main: from, sub: 0 }).map(EventRef::new))
    }

    /// As [`events`](Self::events), but also of revisions that a compaction made unreadable, as long as none of them has
    /// been purged: for watchers that heard of everything before, and must not lose their place to a compaction. `None`
    /// where some are gone.
    pub fn events_kept(&self, from: i64) -> Option<impl Iterator<Item = EventRef<'_>> + Clone> {
        let whole = self.unpurged.map_or(self.compact_revision, |Revision { main, sub }| main + i64::from(sub > 0));
        (from >= whole.max(self.restored_at))
            .then(|| self.history.from(Revision { main: from, sub: 0 }).map(EventRef::new))
    }

    /// The version of a key that a change at revision `before` replaced: the `prev_kv` of a watch.
    ///
    /// None, if the key didn't exist or the version has been compacted.
    pub fn previous(&self, key: &[u8], before: i64) -> Option<KeyValue> {
        let at = before - 1;
        if at < self.compact_revision {
            return None;
        }
        self.index.get(key)?.live_at(at).map(Record::key_value)
    }
}
