//! Products from the lines that sold them.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

use contracts::{Sku, catalogue::MAX_NAME_LENGTH};

use super::{Product, happenings::Sold};

#[derive(Default)]
struct Seen<'a> {
    names: HashMap<&'a str, u64>,
    prices: HashMap<i64, u64>,
    demand: u64,
}

/// Every SKU that was sold, with its most frequent name and price, by SKU.
pub(super) fn products(sold: &[Sold]) -> Vec<Product> {
    let mut seen: BTreeMap<&Sku, Seen<'_>> = BTreeMap::new();
    for line in sold {
        let product = seen.entry(&line.sku).or_default();
        if !line.description.is_empty() {
            *product.names.entry(&line.description).or_default() += 1;
        }
        *product.prices.entry(line.price_pence).or_default() += 1;
        product.demand += u64::from(line.quantity.get());
    }
    seen.into_iter()
        .map(|(sku, product)| Product {
            sku: sku.clone(),
            name: most_frequent(product.names)
                .map_or_else(|| sku.to_string(), |name| name.chars().take(MAX_NAME_LENGTH).collect()),
            price_pence: most_frequent(product.prices).expect("a product is seen on a line, and each has a price"),
            demand: product.demand,
        })
        .collect()
}

/// The value with the highest count; of several the least, so that a file always gives the same catalogue.
fn most_frequent<T: Ord + Hash + Copy>(counts: HashMap<T, u64>) -> Option<T> {
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0))).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equally_frequent_values_the_least_wins() {
        assert_eq!(most_frequent(HashMap::from([(3, 2), (1, 2), (2, 1)])), Some(1));
        assert_eq!(most_frequent(HashMap::from([(3, 3), (1, 2)])), Some(3));
        assert_eq!(most_frequent(HashMap::<i64, u64>::new()), None);
    }
}
