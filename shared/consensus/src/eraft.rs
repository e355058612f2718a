//! Raft's own messages, as the `raft` crate has them, and how they are written to log and wire.
//!
//! Whoever drives a node takes them from here, so that this crate alone names raft.

pub use prost_eraft::Message as Codec;
pub use raft::{
    Error,
    eraftpb::{ConfState, Entry, HardState, Message, MessageType, SnapshotMetadata},
};
