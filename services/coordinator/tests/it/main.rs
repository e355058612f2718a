#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

//! Members as processes: what they answer, and what they survive.

mod alone;
mod certificates;
mod cluster;
mod compaction;
mod differential;
mod faults;
mod flags;
mod full_disk;
mod garbage;
mod grpc;
mod grpc_health;
mod grpc_kv;
mod grpc_lease;
mod grpc_maintenance;
mod grpc_recipes;
mod grpc_watch;
mod member;
mod membership;
mod restore;
mod tls;
