//! Rows that are found by a key, and have a number.

use std::hash::{BuildHasher as _, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// A row that holds its key.
pub(super) trait Keyed {
    type Key: Hash + Eq;

    fn key(&self) -> &Self::Key;
}

/// The number of the row with this key, which is made when there is none.
pub(super) fn number<R: Keyed>(
    rows: &mut Vec<R>,
    numbers: &mut HashTable<u32>,
    hasher: &DefaultHashBuilder,
    key: &R::Key,
    make: impl FnOnce() -> R,
) -> u32 {
    if let Some(number) = find(rows, numbers, hasher, key) {
        return number;
    }
    let number = rows.len() as u32;
    rows.push(make());
    numbers.insert_unique(hasher.hash_one(key), number, |number| hash(rows, hasher, *number));
    number
}

/// The number of the row with this key.
pub(super) fn find<R: Keyed>(
    rows: &[R],
    numbers: &HashTable<u32>,
    hasher: &DefaultHashBuilder,
    key: &R::Key,
) -> Option<u32> {
    let is_it = |number: &u32| rows.get(*number as usize).is_some_and(|row| row.key() == key);
    numbers.find(hasher.hash_one(key), is_it).copied()
}

/// Gives back what was taken for more rows.
pub(super) fn shrink<R: Keyed>(rows: &[R], numbers: &mut HashTable<u32>, hasher: &DefaultHashBuilder) {
    numbers.shrink_to_fit(|number| hash(rows, hasher, *number));
}

fn hash<R: Keyed>(rows: &[R], hasher: &DefaultHashBuilder, number: u32) -> u64 {
    rows.get(number as usize).map_or(0, |row| hasher.hash_one(row.key()))
}
