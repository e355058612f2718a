//! The one history of changes, as members come to have it.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
};

use bytes::Bytes;

use crate::{
    sim::violation::{Broken, Rule},
    store::{EventRef, Store},
};

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: Bytes,
    /// `None` for a deletion.
    pub(crate) value: Option<Bytes>,
}

/// What happened at each revision. The first member to apply a revision decides, and all others have to agree.
#[derive(Debug, Default)]
pub(crate) struct Revisions {
    changes: BTreeMap<i64, Vec<Change>>,
    /// By key: its values with the revisions they began at.
    values: HashMap<Bytes, Vec<(i64, Option<Bytes>)>>,
    /// Where each value of each key was put: all are put once.
    put: HashMap<(Bytes, Bytes), i64>,
    latest: i64,
}

impl Revisions {
    /// Takes in what a member has applied since revision `seen`. Returns up to where it has now been looked at.
    pub(crate) fn observe(&mut self, member: u64, store: &Store, seen: i64) -> Result<i64, Broken> {
        let revision = store.revision();
        // At the compact revision and before it versions may be gone already.
        let from = seen.max(store.compact_revision()).max(1) + 1;
        let unreadable =
            |error| Broken::new(Rule::ReplicasEqual, format!("member {member}: events of {from}: {error}"));
        let mut events = store.events(from).map_err(unreadable)?.peekable();
        for expected in from..=revision {
            let mut found = Vec::new();
            while let Some(event) = events.next_if(|event| event.main == expected) {
                found.push(event);
            }
            self.agree(member, expected, &found)?;
        }
        self.latest = self.latest.max(revision);
        Ok(revision)
    }

    fn agree(&mut self, member: u64, revision: i64, found: &[EventRef<'_>]) -> Result<(), Broken> {
        if found.is_empty() {
            let detail = format!("member {member} has nothing at revision {revision}");
            return Err(Broken::new(Rule::ReplicasEqual, detail));
        }
        let changes = found.iter().map(|event| {
            let shown = event.record.key_value();
            Change { key: shown.key, value: (!event.tombstone).then_some(shown.value) }
        });
        let changes: Vec<_> = changes.collect();
        if let Some(known) = self.changes.get(&revision) {
            if *known == changes {
                return Ok(());
            }
            let detail = format!("revision {revision} is {changes:?} at member {member}, and was {known:?} elsewhere");
            return Err(Broken::new(Rule::ReplicasEqual, detail));
        }
        for Change { key, value } in &changes {
            self.values.entry(key.clone()).or_default().push((revision, value.clone()));
            let Some(value) = value else { continue };
            if let Some(before) = self.put.insert((key.clone(), value.clone()), revision) {
                let detail =
                    format!("what was put at revision {before} is put again at {revision}: {value:?} at {key:?}");
                return Err(Broken::new(Rule::AppliedOnce, detail));
            }
        }
        self.changes.insert(revision, changes);
        Ok(())
    }

    /// The newest revision that any member has applied.
    pub(crate) fn latest(&self) -> i64 {
        self.latest
    }

    /// What changed after one revision, up to and including another.
    pub(crate) fn between(&self, after: i64, upto: i64) -> impl Iterator<Item = (i64, &Change)> {
        self.changes
            .range((Bound::Excluded(after), Bound::Included(upto.max(after))))
            .flat_map(|(revision, changes)| changes.iter().map(|change| (*revision, change)))
    }

    /// Whether this change happened at this revision.
    pub(crate) fn has(&self, revision: i64, change: &Change) -> bool {
        self.changes.get(&revision).is_some_and(|changes| changes.contains(change))
    }

    /// What a key held at a revision.
    pub(crate) fn value_at(&self, key: &Bytes, revision: i64) -> Option<&Bytes> {
        let values = self.values.get(key)?;
        let after = values.partition_point(|(at, _)| *at <= revision);
        values[..after].last()?.1.as_ref()
    }
}
