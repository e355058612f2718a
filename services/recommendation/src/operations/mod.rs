//! What callers can have done: one file an operation. None of them knows of HTTP.

pub mod read_model;
pub mod recommend;
