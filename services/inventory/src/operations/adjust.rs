//! `POST /stock/{sku}/adjustments`.

use contracts::{Sku, stock::Adjustment};
use telemetry::context::TraceContext;

use crate::{
    domain::{Claim, NewAdjustment, Refused},
    metric_definitions::METRICS,
    store::{self, Adjusted, Store},
};

/// Why stock was not adjusted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such product.
    #[error("there is no product {0}; put it first")]
    Unknown(Sku),
    /// The stock does not allow it.
    #[error("{sku} can't be changed by {delta}: {refused}")]
    Refused {
        /// Of what.
        sku: Sku,
        /// By how much.
        delta: i64,
        /// Why not.
        refused: Refused,
    },
    /// Its key stands for an adjustment that asked for something else.
    #[error("the idempotency key stands for another adjustment")]
    KeyTaken,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Adjusts stock. Under a key that was used before it changes nothing and answers what it answered then. What is
/// refused leaves nothing behind, so that the same request may succeed later.
///
/// # Errors
/// See [`Error`].
pub async fn adjust(
    store: &Store,
    wanted: NewAdjustment,
    key: Option<String>,
    trace: Option<TraceContext>,
) -> Result<Adjustment, Error> {
    let claim = key.map(|key| Claim { key, fingerprint: wanted.fingerprint() });
    match store.adjust(&wanted, claim.as_ref(), trace).await? {
        Adjusted::Made(adjustment) => {
            METRICS.adjustments.add(1, &[]);
            Ok(adjustment)
        }
        Adjusted::Repeated(adjustment) => Ok(adjustment),
        Adjusted::KeyTaken => Err(Error::KeyTaken),
        Adjusted::Unknown => Err(Error::Unknown(wanted.sku)),
        Adjusted::Refused(refused) => Err(Error::Refused { sku: wanted.sku, delta: wanted.delta, refused }),
    }
}
