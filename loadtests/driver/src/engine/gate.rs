//! Beginning together with other drivers.

use std::{fmt, sync::Arc};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};

/// The others did not come.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the run has not begun: {0}")]
pub struct NotBegun(Arc<str>);

impl NotBegun {
    /// For this reason.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string().into())
    }
}

/// What a run waits for once it is planned, just before its clock starts.
///
/// Whoever makes one says how drivers find each other: this crate speaks to the shop's services only.
#[derive(Debug, Clone)]
pub struct Gate(Shared<BoxFuture<'static, Result<(), NotBegun>>>);

impl Gate {
    /// Opens when the future ends; it is not polled before the run could begin.
    pub fn new(opens: impl Future<Output = Result<(), NotBegun>> + Send + 'static) -> Self {
        Self(opens.boxed().shared())
    }

    pub(super) async fn pass(&self) -> Result<(), NotBegun> {
        self.0.clone().await
    }
}
