//! This instance's own copy of the catalogue, fed by the compacted topic `catalog.v1`.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use contracts::{Money, Sku, event::ProductUpserted};
use messaging::{Broken, Message};

/// The prices of all products, as last told. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(Arc<RwLock<HashMap<Sku, Entry>>>);

#[derive(Debug, Clone, Copy)]
struct Entry {
    price: Money,
    version: i64,
}

impl Catalogue {
    /// Runs `read` with a look-up that answers a SKU and its price, or `None` for one that is not sold. All it looks
    /// up is of one moment.
    pub fn read<T>(&self, read: impl FnOnce(&dyn Fn(&str) -> Option<(Sku, Money)>) -> T) -> T {
        // Writers replace whole entries and don't panic in between, so the map is whole even then.
        let products = self.0.read().unwrap_or_else(PoisonError::into_inner);
        read(&|sku| products.get_key_value(sku).map(|(sku, entry)| (sku.clone(), entry.price)))
    }

    /// Takes a message of the topic.
    ///
    /// # Errors
    /// [`Broken`] when it is none that the catalogue knows; it is then as it was.
    pub fn take(&self, message: &Message) -> Result<(), Broken> {
        if !message.is::<ProductUpserted>() {
            return Err(message.unknown_type());
        }
        self.upsert(message.decode()?);
        Ok(())
    }

    /// A product comes twice when its relay sent it twice, and so an older version may follow a newer one.
    fn upsert(&self, product: ProductUpserted) {
        let new = Entry { price: product.unit_price, version: product.version };
        let mut products = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let entry = products.entry(product.sku).or_insert(new);
        if new.version > entry.version {
            *entry = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use contracts::Currency;

    use super::*;

    fn product(minor: i64, version: i64) -> ProductUpserted {
        let unit_price = Money { minor, currency: Currency::GBP };
        ProductUpserted { sku: "A".parse().unwrap(), name: "A THING".to_owned(), unit_price, version }
    }

    fn price(catalogue: &Catalogue, sku: &str) -> Option<i64> {
        catalogue.read(|product| product(sku).map(|(_, price)| price.minor))
    }

    #[test]
    fn the_newest_version_counts_whatever_comes_last() {
        let catalogue = Catalogue::default();
        for (minor, version) in [(100, 1), (300, 3), (200, 2), (300, 3)] {
            catalogue.upsert(product(minor, version));
        }
        assert_eq!(price(&catalogue, "A"), Some(300));
        assert_eq!(price(&catalogue, "a"), None);
    }
}
