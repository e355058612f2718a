//! What of this service is cached, and how its changes are told.

use cache::{Front, Key, Kind, News, Shelf};
use contracts::{
    Sku,
    catalogue::Product,
    consistency::{Answer, Demand},
    stock::Stock,
};
use messaging::database::copies::{Found, Writing};
use sqlx::{FromRow, PgPool, postgres::PgRow};
use telemetry::context::TraceContext;

use super::{Error, Store};
use crate::domain::Level;

/// Stock, by SKU.
#[derive(Debug)]
pub(super) struct OfStock;

/// Products, by SKU.
#[derive(Debug)]
pub(super) struct OfProducts;

impl Kind for OfStock {
    const NAME: &'static str = "stock";
    const SCHEMA: u16 = 1;
    type Value = Stock;

    fn version(stock: &Stock) -> u64 {
        stock.version.cast_unsigned()
    }
}

impl Kind for OfProducts {
    const NAME: &'static str = "product";
    const SCHEMA: u16 = 1;
    type Value = Product;

    fn version(product: &Product) -> u64 {
        product.version.cast_unsigned()
    }
}

/// What stands in front of the databases.
#[derive(Debug, Clone)]
pub(super) struct Shelves {
    pub(super) stock: Shelf<OfStock>,
    pub(super) products: Shelf<OfProducts>,
}

impl Shelves {
    pub(super) fn none() -> Self {
        Self { stock: Shelf::none(), products: Shelf::none() }
    }

    pub(super) fn of(front: &Front) -> Self {
        Self { stock: front.shelf(), products: front.shelf() }
    }

    pub(super) async fn close(&self) {
        self.stock.close().await;
        self.products.close().await;
    }
}

impl Store {
    /// What stands on a shelf under a SKU, or else in the row that `statement` reads. What is read from the cache shows below
    /// `trace`.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn by_sku<K, R>(
        &self,
        shelf: &Shelf<K>,
        statement: &'static str,
        sku: &Sku,
        demand: &Demand,
        trace: Option<TraceContext>,
    ) -> Result<Answer<Option<K::Value>>, Error>
    where
        K: Kind<Value: Clone>,
        R: for<'r> FromRow<'r, PgRow> + Into<K::Value>,
    {
        let (copies, wanted) = (self.copies.clone(), sku.clone());
        let load = move |demand: Demand| {
            let (copies, sku) = (copies.clone(), wanted.clone());
            async move {
                let sku = &sku;
                let asking = |copy: PgPool| async move {
                    let row = sqlx::query(statement).bind(sku.as_str()).fetch_one(&copy).await?;
                    Ok(Found::one(&row)?.map(|row: Option<R>| row.map(Into::into)))
                };
                copies.read(&demand, asking).await
            }
        };
        shelf.read(&key(sku), *demand, trace, load).await
    }
}

fn key<K: Kind>(sku: &Sku) -> Key<K> {
    Key::new(sku.as_str())
}

/// Stock that was written, with the version that it had before; `None` where others may have written it between.
pub(super) fn written(sku: &Sku, level: Level, before: Option<i64>, writing: Writing) -> News<OfStock> {
    let Level { available, reserved } = level;
    match before {
        Some(before) => of_stock(Stock { sku: sku.clone(), available, reserved, version: before + 1 }, writing),
        None => News::unknown(key(sku)),
    }
}

pub(super) fn of_stock(stock: Stock, Writing { position, sees }: Writing) -> News<OfStock> {
    News::written(key(&stock.sku), stock, position, sees)
}

pub(super) fn of_product(product: Product, Writing { position, sees }: Writing) -> News<OfProducts> {
    News::written(key(&product.sku), product, position, sees)
}
