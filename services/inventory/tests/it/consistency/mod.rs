//! Which copy answers a read, and what it shows.

mod cached;
mod faults;
mod headers;
mod levels;
mod sessions;
mod stage;
mod telling;
