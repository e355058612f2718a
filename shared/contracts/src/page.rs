//! Lists in pages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The page size where none is asked for.
pub const DEFAULT_LIMIT: u16 = 50;
/// The largest page.
pub const MAX_LIMIT: u16 = 1_000;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What stands on it.
    pub items: Vec<T>,
    /// What to ask for next; null on the last page.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of the first `limit` of what was found, which are all where no more were found.
    pub fn of(mut found: Vec<T>, limit: u16, cursor: impl FnOnce(&T) -> String) -> Self {
        let more = found.len() > usize::from(limit);
        found.truncate(usize::from(limit));
        let next_cursor = found.last().filter(|_| more).map(cursor);
        Self { items: found, next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_next_page_where_more_was_found() {
        let page = |found: &[u8]| Page::of(found.to_vec(), 2, u8::to_string);
        assert_eq!(page(&[1, 2, 3]), Page { items: vec![1, 2], next_cursor: Some("2".to_owned()) });
        assert_eq!(page(&[1, 2]), Page { items: vec![1, 2], next_cursor: None });
        assert_eq!(page(&[]), Page { items: vec![], next_cursor: None });
    }
}
