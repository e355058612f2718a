//! Which copy answers a read, and what it shows.

mod faults;
mod headers;
mod levels;
mod sessions;
mod stage;
