//! How often each product is wanted.

use std::collections::BTreeMap;

use contracts::Sku;
use rand::{Rng, rngs::SmallRng};

use crate::{retail::Retail, weights::Weights};

/// Products, each with its share of the lines of real orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Popularity {
    skus: Vec<Sku>,
    weights: Weights,
}

impl Popularity {
    /// That of a file's orders.
    pub fn of(retail: &Retail) -> Self {
        let mut lines: BTreeMap<&Sku, u64> = BTreeMap::new();
        for line in retail.sales().flat_map(|sale| &sale.lines) {
            *lines.entry(&line.sku).or_default() += 1;
        }
        let weights = Weights::new(lines.values().map(|&count| count as f64));
        Self { skus: lines.into_keys().cloned().collect(), weights }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.skus.is_empty()
    }

    pub(super) fn draw(&self, random: &mut SmallRng) -> &Sku {
        &self.skus[self.weights.at(random.random())]
    }
}
