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
