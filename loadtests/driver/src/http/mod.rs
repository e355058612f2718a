//! HTTP to the services of this machine, cheap enough not to be what is measured.

mod call;
mod connection;
mod retry;
mod target;

pub(crate) use call::{Answer, Call, encoded, json, path};
pub(crate) use connection::Connection;
pub use retry::{Failure, Retry};
pub(crate) use retry::{Outcome, exchange};
pub use target::{Target, TargetError, Targets};
