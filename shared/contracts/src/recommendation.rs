//! The recommendation service's REST bodies.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Sku;

/// A product that was bought together with those asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recommendation {
    /// Which product.
    pub sku: Sku,
    /// In how many orders it stood together with one of them, summed over those asked for.
    pub together: u64,
}

/// `GET /recommendations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recommendations {
    /// The best first.
    pub items: Vec<Recommendation>,
    /// How many orders the answer was learnt from.
    pub orders_learnt: u64,
}
