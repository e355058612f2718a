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
    /// Others change a stock all the time.
    #[error(
        "the stock of {sku} is not {wanted}: it was {found} after it had been brought there; others buy it at this time"
    )]
    NotExact {
        /// Of which product.
        sku: Sku,
        /// How many there were to be.
        wanted: u64,
        /// How many there are.
        found: i64,
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
