#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

//! The program as a process, asked as its users ask it; and what its library keeps, against the protocol's own types.

mod api;
mod bounds;
mod grpc;
mod http;
mod page;
mod program;
mod restart;
mod same;
mod spans;
