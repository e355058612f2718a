//! Spans and metrics as they leave the process.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod collector;
mod scraped;
mod sent;
