//! The log on the machine's own disk, and the whole cluster in the simulator.
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

mod log;
mod simulator;
#[cfg(feature = "faults")]
mod simulator_faults;
