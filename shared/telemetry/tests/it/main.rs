//! Spans, metrics and log records as they leave the process.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod collector;
mod logged;
mod openmetrics;
mod pushed;
mod scraped;
mod secured;
mod sent;
