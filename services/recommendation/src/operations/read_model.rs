//! `GET /model`.

use crate::memory::{Excerpt, Memory};

/// The most orders of an answer: some 600 kB.
const MOST: usize = 5_000;

/// The model is not built here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this instance does not build the model, or has not read all orders so far")]
pub struct NotBuiltHere;

/// The next orders of the model behind a build's position, or from its oldest on.
///
/// # Errors
/// Another instance builds it.
pub fn read_model(memory: &Memory, known: Option<(u64, u64)>) -> Result<Excerpt, NotBuiltHere> {
    memory.excerpt(known, MOST).ok_or(NotBuiltHere)
}
