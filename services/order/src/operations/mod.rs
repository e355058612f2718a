//! What callers can have done: one file an operation, each with its own error. None of them knows of HTTP.

pub mod cancel;
pub mod list;
pub mod place;
pub mod read;
pub mod timeline;
