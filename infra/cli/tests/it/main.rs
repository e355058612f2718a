//! The command as a person runs it: real programs, real servers, folders and ports of their own.

#![expect(clippy::unwrap_used, reason = "a test ends where it fails, in its helpers too")]

mod arguments;
mod consistency;
mod control;
mod coordinators;
mod installation;
mod jaeger;
mod replica;
mod selling;
mod shop;
mod whole;
