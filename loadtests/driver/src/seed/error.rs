//! Why the shop could not be filled.

use std::{net::SocketAddr, time::Duration};

use contracts::Sku;

use crate::Failure;

/// Why the shop could not be filled. What was done until then stays; seeding again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A service refused; a wrong operator token is the usual reason.
    #[error("{what} was refused with status {status}: {detail}")]
    Refused {
        /// What was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the service said.
        detail: String,
    },
    /// A service gave no lasting answer.
    #[error("{what}: {last}")]
    Unanswered {
        /// What was asked for.
        what: String,
        /// How the last attempt failed.
        last: Failure,
    },
    /// An answer is not as agreed.
    #[error("{what}: the answer is not as agreed: {source}")]
    Body {
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The order service does not know a product that inventory has.
    #[error("the order service at {service} had not learnt of product {sku} after {} s", within.as_secs())]
    NotLearnt {
        /// Which instance.
        service: SocketAddr,
        /// The product.
        sku: Sku,
        /// How long it was waited for.
        within: Duration,
    },
}
