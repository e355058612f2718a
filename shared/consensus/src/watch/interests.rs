//! Which watchers want to hear of a key.

use std::collections::HashMap;

use bytes::Bytes;

use super::Slot;

/// The keys one watcher watches, read from a request's `key` and `range_end`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Keys {
    One(Bytes),
    /// All keys that start with these bytes: with none, all keys.
    Prefix(Bytes),
    /// All others: from the first up to, not including, the second; without a second, all above.
    Between(Bytes, Option<Bytes>),
}

impl Keys {
    /// Returns `None` where the range is empty, because its end isn't above its start.
    pub(super) fn new(key: Bytes, range_end: Bytes) -> Option<Self> {
        // No key is below a single zero byte.
        let key = if key.is_empty() { Bytes::from_static(&[0]) } else { key };
        Some(match &range_end[..] {
            [] => Self::One(key),
            [0] if key[..] == [0] => Self::Prefix(Bytes::new()),
            [0] => Self::Between(key, None),
            end if end <= &key[..] => return None,
            end if is_end_of_prefix(&key, end) => Self::Prefix(key),
            _ => Self::Between(key, Some(range_end)),
        })
    }
}

/// Whether `end` is the smallest key above all that start with `prefix`: its last byte that isn't 0xff, one higher.
fn is_end_of_prefix(prefix: &[u8], end: &[u8]) -> bool {
    let kept = prefix.iter().rposition(|byte| *byte != 0xff).map_or(0, |last| last + 1);
    let Some((last, start)) = prefix[..kept].split_last() else { return false };
    end.split_last().is_some_and(|(end_last, end_start)| end_start == start && *end_last == last + 1)
}

/// Finds watchers by key: the cost of a look-up doesn't grow with how many watch other keys.
///
/// Nearly every range that is watched in practice is a prefix. Those are found by looking up the key's own prefixes,
/// of the lengths that are watched at all; only ranges of another shape are compared one by one.
#[derive(Default)]
pub(super) struct Interests {
    ones: HashMap<Bytes, Vec<Slot>>,
    prefixes: HashMap<Bytes, Vec<Slot>>,
    /// Lengths that occur in `prefixes`, and how often.
    lengths: Vec<(usize, usize)>,
    ranges: Vec<Range>,
    watchers: usize,
}

struct Range {
    start: Bytes,
    end: Option<Bytes>,
    watchers: Vec<Slot>,
}

impl Interests {
    pub(super) fn is_empty(&self) -> bool {
        self.watchers == 0
    }

    pub(super) fn insert(&mut self, keys: &Keys, slot: Slot) {
        self.watchers += 1;
        match keys {
            Keys::One(key) => self.ones.entry(key.clone()).or_default().push(slot),
            Keys::Prefix(prefix) => {
                let watchers = self.prefixes.entry(prefix.clone()).or_default();
                if watchers.is_empty() {
                    count_length(&mut self.lengths, prefix.len());
                }
                watchers.push(slot);
            }
            Keys::Between(start, end) => match self.position(start, end.as_ref()) {
                Some(place) => self.ranges[place].watchers.push(slot),
                None => {
                    self.ranges.push(Range { start: start.clone(), end: end.clone(), watchers: vec![slot] });
                }
            },
        }
    }

    pub(super) fn remove(&mut self, keys: &Keys, slot: Slot) {
        self.watchers -= 1;
        match keys {
            Keys::One(key) => _ = take_out(&mut self.ones, key, slot),
            Keys::Prefix(prefix) => {
                if take_out(&mut self.prefixes, prefix, slot) {
                    self.lengths.iter_mut().filter(|(length, _)| *length == prefix.len()).for_each(|(_, n)| *n -= 1);
                    self.lengths.retain(|(_, n)| *n > 0);
                }
            }
            Keys::Between(start, end) => {
                let Some(place) = self.position(start, end.as_ref()) else { return };
                self.ranges[place].watchers.retain(|other| *other != slot);
                if self.ranges[place].watchers.is_empty() {
                    self.ranges.swap_remove(place);
                }
            }
        }
    }

    /// Appends every watcher of this key to `found`.
    pub(super) fn find(&self, key: &[u8], found: &mut Vec<Slot>) {
        if let Some(watchers) = self.ones.get(key) {
            found.extend_from_slice(watchers);
        }
        for (length, _) in &self.lengths {
            if let Some(watchers) = key.get(..*length).and_then(|prefix| self.prefixes.get(prefix)) {
                found.extend_from_slice(watchers);
            }
        }
        for range in &self.ranges {
            if range.start <= key && range.end.as_ref().is_none_or(|end| key < &end[..]) {
                found.extend_from_slice(&range.watchers);
            }
        }
    }

    fn position(&self, start: &Bytes, end: Option<&Bytes>) -> Option<usize> {
        self.ranges.iter().position(|range| range.start == *start && range.end.as_ref() == end)
    }
}

fn count_length(lengths: &mut Vec<(usize, usize)>, length: usize) {
    match lengths.iter_mut().find(|(other, _)| *other == length) {
        Some((_, count)) => *count += 1,
        None => lengths.push((length, 1)),
    }
}

/// Whether it was the last watcher there.
fn take_out(map: &mut HashMap<Bytes, Vec<Slot>>, key: &Bytes, slot: Slot) -> bool {
    let Some(watchers) = map.get_mut(key) else { return false };
    if let Some(place) = watchers.iter().position(|other| *other == slot) {
        watchers.swap_remove(place);
    }
    let last = watchers.is_empty();
    if last {
        map.remove(key);
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = Bytes> {
        proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(0xfe), Just(0xff)], 0..4).prop_map(Bytes::from)
    }

    /// The rule of the protocol, spelt out.
    fn watches(key: &Bytes, range_end: &Bytes, changed: &[u8]) -> bool {
        let first: &[u8] = if key.is_empty() { &[0] } else { key };
        match &range_end[..] {
            [] => changed == first,
            [0] => first <= changed,
            end => first <= changed && changed < end,
        }
    }

    proptest! {
        #[test]
        fn finds_exactly_the_watchers_of_a_key(
            watchers in proptest::collection::vec((bytes(), bytes(), any::<bool>()), 0..20),
            changed in proptest::collection::vec(bytes(), 1..10),
        ) {
            let mut interests = Interests::default();
            let mut kept = Vec::new();
            for (slot, (key, end, leaves)) in watchers.into_iter().enumerate() {
                let Some(keys) = Keys::new(key.clone(), end.clone()) else { continue };
                interests.insert(&keys, slot);
                kept.push((slot, keys, key, end, leaves));
            }
            for (slot, keys, ..) in kept.iter().filter(|watcher| watcher.4) {
                interests.remove(keys, *slot);
            }
            kept.retain(|watcher| !watcher.4);
            prop_assert_eq!(interests.is_empty(), kept.is_empty());
            for key in changed.iter().filter(|key| !key.is_empty()) {
                let mut found = Vec::new();
                interests.find(key, &mut found);
                found.sort_unstable();
                let expected: Vec<Slot> =
                    kept.iter().filter(|(_, _, first, end, _)| watches(first, end, key)).map(|w| w.0).collect();
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn an_empty_range_is_refused(key in bytes(), end in bytes()) {
            let first: &[u8] = if key.is_empty() { &[0] } else { &key };
            let empty = !end.is_empty() && end[..] != [0] && end[..] <= *first;
            prop_assert_eq!(Keys::new(key.clone(), end).is_none(), empty);
        }
    }
}
