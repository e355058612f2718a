//! Products. The primary key serves every statement.

use std::time::Instant;

use contracts::{
    Sku,
    catalogue::Product,
    consistency::{Answer, Demand, Written},
    event::ProductUpserted,
    stock::Stock,
};
use messaging::{
    database::copies::{Found, Writing},
    outbox, sighted,
};
use sqlx::{Connection as _, FromRow as _, PgPool};
use telemetry::{
    context::{Carried, TraceContext},
    names::{shop, wait},
    spans::{self, Span, in_statement},
};

use super::{
    Error, Store,
    rows::ProductRow,
    shelves::{of_product, of_stock},
};
use crate::{SOURCE, domain::NewProduct};

/// The one bucket of all products, so that an older version never overtakes a newer.
const BUCKET: u16 = 0;

const GET: &str =
    sighted!("SELECT sku, name, price_minor, currency, version, xmin AS written FROM products WHERE sku = $1");

/// Sorted again outside, where no order is promised of what is joined.
const PAGE: &str = concat!(
    sighted!(
        "SELECT sku, name, price_minor, currency, version, xmin AS written FROM products
      WHERE sku > $1 ORDER BY sku LIMIT $2"
    ),
    " ORDER BY found.sku"
);

/// Answers a row only where something is new.
const PUT: &str = concat!(
    "INSERT INTO products AS stored (sku, name, price_minor, currency, version) VALUES ($1, $2, $3, $4, 1)
     ON CONFLICT (sku) DO UPDATE SET name = $2, price_minor = $3, currency = $4, version = stored.version + 1
        WHERE (stored.name, stored.price_minor, stored.currency) IS DISTINCT FROM ($2, $3, $4)
     RETURNING sku, name, price_minor, currency, version, ",
    sighted!(written)
);

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

impl Put {
    /// What became of it, as spans have it.
    fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Changed(_) => "changed",
            Self::Unchanged(_) => "unchanged",
        }
    }
}

impl Store {
    /// A product. What is read from the cache shows below `trace`.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn product(
        &self,
        sku: &Sku,
        demand: &Demand,
        trace: Option<TraceContext>,
    ) -> Result<Answer<Option<Product>>, Error> {
        self.by_sku::<_, ProductRow>(&self.shelves.products, GET, sku, demand, trace).await
    }

    /// Up to `most` products behind `after`, by SKU.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn products(
        &self,
        after: Option<&Sku>,
        most: i64,
        demand: &Demand,
    ) -> Result<Answer<Vec<Product>>, Error> {
        // No SKU is empty, so every one stands behind the empty text.
        let after = after.map_or("", Sku::as_str);
        let asking =
            |copy: PgPool| async move { Found::all(&sqlx::query(PAGE).bind(after).bind(most).fetch_all(&copy).await?) };
        let found = self.copies.read(demand, asking).await?;
        Ok(found.map(|rows: Vec<ProductRow>| rows.into_iter().map(Into::into).collect()))
    }

    /// Stores a product as it is to be, and, where that is new, its event, in one transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn put_product(&self, product: &NewProduct, carried: Carried) -> Result<Written<Put>, Error> {
        let mut span = spans::transaction("put product", carried.trace);
        let done = self.put_product_in(&mut span, product, carried).await;
        match &done {
            Ok(put) => span.set(shop::OUTCOME, put.value.name()),
            Err(fault) => span.fail("database", fault),
        }
        let put = done?;
        self.copies.wrote(put.position);
        Ok(put)
    }

    /// Tells of a product that was put, and of its shelf where that is new.
    fn tell(&self, put: &Product, created: bool, writing: Writing) {
        self.shelves.products.changed([of_product(put.clone(), writing)]);
        if created {
            let empty = Stock { sku: put.sku.clone(), available: 0, reserved: 0, version: 0 };
            self.shelves.stock.changed([of_stock(empty, writing)]);
        }
    }

    async fn put_product_in(
        &self,
        span: &mut Span,
        product: &NewProduct,
        carried: Carried,
    ) -> Result<Written<Put>, sqlx::Error> {
        let (trace, began) = (span.context(), Instant::now());
        let mut connection = self.pool.acquire().await?;
        span.set(wait::POOL, began.elapsed());
        let mut transaction = connection.begin().await?;
        let putting = sqlx::query(PUT)
            .bind(product.sku.as_str())
            .bind(&product.name)
            .bind(product.unit_price.minor)
            .bind(product.unit_price.currency.as_str())
            .fetch_optional(&mut *transaction);
        let Some(row) = in_statement("INSERT products", trace, putting).await? else {
            let asking = sqlx::query(GET).bind(product.sku.as_str()).fetch_one(&mut *transaction);
            let Found { value, sight } = Found::one(&in_statement("SELECT products", trace, asking).await?)?;
            let ProductRow(same) = value.ok_or(sqlx::Error::RowNotFound)?;
            return Ok(Written::new(Put::Unchanged(same), sight.shows));
        };
        let (ProductRow(put), writing) = (ProductRow::from_row(&row)?, Writing::of(&row)?);
        let created = put.version == 1;
        if created {
            let inserting = sqlx::query(EMPTY_SHELF).bind(put.sku.as_str()).execute(&mut *transaction);
            in_statement("INSERT stock", trace, inserting).await?;
        }
        let mut events = outbox::Batch::new(SOURCE);
        events.push(BUCKET, &upserted(&put), carried);
        in_statement("INSERT outbox", trace, events.write(&mut transaction)).await?;
        in_statement("COMMIT", trace, transaction.commit()).await?;
        self.tell(&put, created, writing);
        Ok(Written::new(if created { Put::Created(put) } else { Put::Changed(put) }, writing.position))
    }
}

fn upserted(product: &Product) -> ProductUpserted {
    let Product { sku, name, unit_price, version } = product.clone();
    ProductUpserted { sku, name, unit_price, version }
}
