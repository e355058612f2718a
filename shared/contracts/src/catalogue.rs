//! The inventory service's REST bodies about products.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Money, Sku};

/// The most characters a product's name has.
pub const MAX_NAME_LENGTH: usize = 200;

/// `GET /products/{sku}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Which product.
    pub sku: Sku,
    /// Its name.
    pub name: String,
    /// What one costs.
    pub unit_price: Money,
    /// Grows with every change.
    pub version: i64,
}

/// `PUT /products/{sku}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutProduct {
    /// Its name: 1 to 200 characters.
    #[schema(example = "WHITE HANGING HEART T-LIGHT HOLDER", min_length = 1, max_length = 200)]
    pub name: String,
    /// What one costs: at least one minor unit.
    pub unit_price: PutPrice,
}

/// A price as it comes in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutPrice {
    /// Minor units: a whole number from 1 to 1,000,000,000,000.
    #[schema(value_type = i64, minimum = 1, example = 255)]
    pub minor: serde_json::Number,
    /// ISO 4217 code; the shop sells in GBP.
    #[schema(example = "GBP")]
    pub currency: String,
}
