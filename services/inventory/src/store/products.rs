//! Products. The primary key serves every statement.

use contracts::{Sku, catalogue::Product, event::ProductUpserted};
use messaging::outbox;
use telemetry::context::TraceContext;

use super::{Error, Store, rows::ProductRow};
use crate::{SOURCE, domain::NewProduct};

/// The one bucket of all products, so that an older version never overtakes a newer.
const BUCKET: u16 = 0;

const GET: &str = "SELECT sku, name, price_minor, currency, version FROM products WHERE sku = $1";

const PAGE: &str = "SELECT sku, name, price_minor, currency, version FROM products
      WHERE sku > $1 ORDER BY sku LIMIT $2";

/// Answers a row only where something is new.
const PUT: &str =
    "INSERT INTO products AS stored (sku, name, price_minor, currency, version) VALUES ($1, $2, $3, $4, 1)
     ON CONFLICT (sku) DO UPDATE SET name = $2, price_minor = $3, currency = $4, version = stored.version + 1
        WHERE (stored.name, stored.price_minor, stored.currency) IS DISTINCT FROM ($2, $3, $4)
     RETURNING sku, name, price_minor, currency, version";

const EMPTY_SHELF: &str = "INSERT INTO stock (sku) VALUES ($1) ON CONFLICT (sku) DO NOTHING";

/// What became of a product that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It was not there before, and has no stock.
    Created(Product),
    /// It was different.
    Changed(Product),
    /// It was so already.
    Unchanged(Product),
}

impl Store {
    /// A product.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn product(&self, sku: &Sku) -> Result<Option<Product>, Error> {
        let row: Option<ProductRow> = sqlx::query_as(GET).bind(sku.as_str()).fetch_optional(&self.pool).await?;
        Ok(row.map(|ProductRow(product)| product))
    }

    /// Up to `most` products behind `after`, by SKU.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn products(&self, after: Option<&Sku>, most: i64) -> Result<Vec<Product>, Error> {
        // No SKU is empty, so every one stands behind the empty text.
        let after = after.map_or("", Sku::as_str);
        let rows: Vec<ProductRow> = sqlx::query_as(PAGE).bind(after).bind(most).fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|ProductRow(product)| product).collect())
    }

    /// Stores a product as it is to be, and, where that is new, its event, in one transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_product(&self, product: &NewProduct, trace: Option<TraceContext>) -> Result<Put, Error> {
        let mut transaction = self.pool.begin().await?;
        let put: Option<ProductRow> = sqlx::query_as(PUT)
            .bind(product.sku.as_str())
            .bind(&product.name)
            .bind(product.unit_price.minor)
            .bind(product.unit_price.currency.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(ProductRow(put)) = put else {
            let ProductRow(same) = sqlx::query_as(GET).bind(product.sku.as_str()).fetch_one(&mut *transaction).await?;
            return Ok(Put::Unchanged(same));
        };
        let created = put.version == 1;
        if created {
            sqlx::query(EMPTY_SHELF).bind(put.sku.as_str()).execute(&mut *transaction).await?;
        }
        let mut events = outbox::Batch::new(SOURCE);
        events.push(BUCKET, &upserted(&put), trace);
        events.write(&mut transaction).await?;
        transaction.commit().await?;
        Ok(if created { Put::Created(put) } else { Put::Changed(put) })
    }
}

fn upserted(product: &Product) -> ProductUpserted {
    let Product { sku, name, unit_price, version } = product.clone();
    ProductUpserted { sku, name, unit_price, version }
}
