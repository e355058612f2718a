//! What callers can have done: one file an operation. None of them knows of HTTP.

pub mod recommend;
