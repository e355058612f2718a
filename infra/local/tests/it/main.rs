//! Starts, breaks and ends real processes and real servers.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, also in what its functions call")]

mod lifeline;
mod process;
mod replica;
mod servers;
