//! `POST /stock/{sku}/adjustments`.

use contracts::{Sku, consistency::Written, stock::Adjustment};
use locks::LockError;
use telemetry::context::TraceContext;

use crate::{
    domain::{Claim, NewAdjustment, Refused},
    locking::Locking,
    metric_definitions::METRICS,
    store::{Adjusted, ChangeError, Store},
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
    /// The lock of the product's stock was not to be had.
    #[error(transparent)]
    NotLocked(#[from] LockError),
    /// It was not stored.
    #[error(transparent)]
    NotChanged(#[from] ChangeError),
}

/// Adjusts stock. Under a key that was used before it changes nothing and answers what it answered then. What is
/// refused leaves nothing behind, so that the same request may succeed later.
///
/// # Errors
/// See [`Error`].
pub async fn adjust(
    (store, locking): (&Store, &Locking),
    wanted: NewAdjustment,
    key: Option<String>,
    trace: Option<TraceContext>,
) -> Result<Written<Adjustment>, Error> {
    let claim = key.map(|key| Claim { key, fingerprint: wanted.fingerprint() });
    let access = locking.lock([wanted.sku.as_str()], trace).await?;
    let adjusted = store.adjust(&wanted, claim.as_ref(), &access, trace).await;
    match locking.noted(adjusted)? {
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
