//! Spans and metrics as they leave the process.

mod kept;
mod losses;
mod recorded;
mod scraped;
