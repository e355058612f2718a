//! Texts of a chunk, each once, under the number of its first occurrence.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::codec::{Cursor, put};

/// Texts up to this many bytes are shared; longer ones hardly ever come twice, and stand in their span.
const SHARED: usize = 128;

/// The texts.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: String,
    /// Where each text ends.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    /// Its seed is random, as texts come from outside.
    hasher: DefaultHashBuilder,
}

impl Strings {
    /// The text's number, a new one when it is new. Bytes that are no text count as an empty one; one that is known
    /// is not looked at again.
    pub(super) fn number(&mut self, text: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(text);
        let Self { text: all, ends, numbers, hasher } = self;
        if let Some(number) = numbers.find(hash, |number| get(all, ends, *number).as_bytes() == text) {
            return *number;
        }
        let number = ends.len() as u32;
        all.push_str(std::str::from_utf8(text).unwrap_or_default());
        ends.push(all.len() as u32);
        numbers.insert_unique(hash, number, |number| hasher.hash_one(get(all, ends, *number).as_bytes()));
        number
    }

    /// The number of a text that is here.
    pub(super) fn find(&self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text.as_bytes());
        self.numbers.find(hash, |number| self.get(*number) == text).copied()
    }

    pub(super) fn get(&self, number: u32) -> &str {
        get(&self.text, &self.ends, number)
    }

    /// Writes a text, or its number.
    pub(super) fn put(&mut self, bytes: &mut Vec<u8>, text: &[u8]) {
        match text.len() {
            1..=SHARED => put(bytes, u64::from(self.number(text)) << 1 | 1),
            length => {
                put(bytes, (length as u64) << 1);
                bytes.extend_from_slice(text);
            }
        }
    }

    /// Reads what [`Strings::put`] wrote.
    pub(super) fn read<'c>(&'c self, cursor: &mut Cursor<'c>) -> &'c str {
        let head = cursor.number();
        match head & 1 {
            1 => self.get((head >> 1) as u32),
            _ => std::str::from_utf8(cursor.take((head >> 1) as usize)).unwrap_or_default(),
        }
    }

    /// Whether a text of this length would be found here.
    pub(super) fn shares(text: &str) -> bool {
        (1..=SHARED).contains(&text.len())
    }

    pub(super) fn size(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<u32>() + self.numbers.allocation_size()
    }

    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
        let Self { text, ends, numbers, hasher } = self;
        numbers.shrink_to_fit(|number| hasher.hash_one(get(text, ends, *number).as_bytes()));
    }
}

fn get<'c>(text: &'c str, ends: &[u32], number: u32) -> &'c str {
    let number = number as usize;
    let start = number.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
    let end = ends.get(number).map_or(start, |end| *end as usize);
    text.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let mut strings = Strings::default();
        let numbers = ["a", "", "bc", "a", "é", "bc"].map(|text| strings.number(text.as_bytes()));
        assert_eq!(numbers, [0, 1, 2, 0, 3, 2]);
        strings.shrink();
        assert_eq!([0, 1, 2, 3, 4].map(|number| strings.get(number)), ["a", "", "bc", "é", ""]);
        assert_eq!((strings.find("é"), strings.find("x")), (Some(3), None));
    }

    #[test]
    fn long_texts_stand_where_they_are() {
        let mut strings = Strings::default();
        let long = "x".repeat(SHARED + 1);
        let mut bytes = Vec::new();
        for text in ["", "short", &long] {
            strings.put(&mut bytes, text.as_bytes());
        }
        let mut cursor = Cursor::at(&bytes, 0);
        assert_eq!(["", "short", &long], [(); 3].map(|()| strings.read(&mut cursor)));
        assert!(strings.find("short").is_some() && strings.find(&long).is_none());
    }
}
