//! What a seeding says to the services.

use std::{collections::HashMap, time::Duration};

use contracts::{
    Currency, Sku, Timestamp,
    catalogue::{Product, PutPrice, PutProduct},
    order::{PlaceLine, PlaceOrder},
    page::{MAX_LIMIT, Page},
    problem::Problem,
    stock::{Adjust, Adjustment},
};
use tokio::time::Instant;

use super::{SeedError, Seeding, Ware};
use crate::{
    Targets,
    engine::key,
    http::{Answer, Call, Connection, Outcome, encoded, exchange, json, path},
};

/// The reason of every adjustment a seeding makes.
const REASON: &str = "seed";

/// What became of a product's stock.
pub(super) enum Seeded {
    /// Added.
    Now,
    /// Added by an earlier seeding.
    Before,
    /// An earlier seeding added another quantity.
    Otherwise,
    /// There is none to add.
    Nothing,
}

/// The services, spoken to with the settings of a seeding.
pub(super) struct Shop<'a> {
    pub(super) seeding: &'a Seeding,
}

impl Shop<'_> {
    /// The wares the shop doesn't have as they should be; those it doesn't have at all at the end.
    pub(super) async fn missing<'w>(&self, wares: &'w [Ware]) -> Result<Vec<&'w Ware>, SeedError> {
        let there = self.products().await?;
        let (mut missing, other): (Vec<&Ware>, Vec<&Ware>) = wares
            .iter()
            .filter(|ware| there.get(&ware.sku).is_none_or(|product| !is_same(product, ware)))
            .partition(|ware| there.contains_key(&ware.sku));
        missing.extend(other);
        Ok(missing)
    }

    async fn products(&self) -> Result<HashMap<Sku, Product>, SeedError> {
        let what = "listing the products";
        let mut connection = Connection::new(self.seeding.inventory.clone(), 0);
        let mut products = HashMap::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = format!("/products?limit={MAX_LIMIT}");
            if let Some(cursor) = cursor {
                query.push_str(&format!("&cursor={}", encoded(&cursor)));
            }
            let answer = self.ask(&mut connection, &Call::get(path(query)), what).await?;
            let page: Page<Product> = taken(&answer, what)?;
            products.extend(page.items.into_iter().map(|product| (product.sku.clone(), product)));
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(products);
            }
        }
    }

    pub(super) async fn put(&self, connection: &mut Connection, ware: &Ware) -> Result<(), SeedError> {
        let what = format!("putting product {}", ware.sku);
        let body = PutProduct {
            name: ware.name.clone(),
            unit_price: PutPrice { minor: ware.price_pence.into(), currency: Currency::GBP.to_string() },
        };
        let call = Call::put(path(format!("/products/{}", encoded(ware.sku.as_str()))), json(&body));
        let answer = self.ask(connection, &call.authorized(self.seeding.token.bearer()), &what).await?;
        if answer.status.is_success() { Ok(()) } else { Err(refused(&answer, &what)) }
    }

    /// Adds a product's stock, unless it was added before `began`.
    pub(super) async fn stock(
        &self,
        connection: &mut Connection,
        ware: &Ware,
        began: Timestamp,
    ) -> Result<Seeded, SeedError> {
        if ware.stock == 0 {
            return Ok(Seeded::Nothing);
        }
        let what = format!("seeding the stock of {}", ware.sku);
        let body = Adjust { delta: ware.stock.into(), reason: REASON.to_owned() };
        let call = Call::post(path(format!("/stock/{}/adjustments", encoded(ware.sku.as_str()))), json(&body))
            .with_key(key(format!("{REASON}-{}", ware.sku)))
            .authorized(self.seeding.token.bearer());
        let answer = self.ask(connection, &call, &what).await?;
        if answer.status.as_u16() == 422 {
            return Ok(Seeded::Otherwise);
        }
        let adjustment: Adjustment = taken(&answer, &what)?;
        Ok(if adjustment.adjusted_at >= began { Seeded::Now } else { Seeded::Before })
    }

    /// Waits until every instance of the order service knows a product.
    ///
    /// The order that is asked for has a quantity of 0, so it is always refused and never placed; whether its SKU is
    /// among the faults tells what the instance knows.
    pub(super) async fn learnt(&self, sku: &Sku) -> Result<(), SeedError> {
        let line = PlaceLine { sku: sku.to_string(), quantity: 0.into() };
        let call = Call::post(path("/orders".to_owned()), json(&PlaceOrder { customer_id: None, lines: vec![line] }));
        for n in 0..self.seeding.orders.count() {
            self.learnt_by(self.seeding.orders.only(n), &call, sku).await?;
        }
        Ok(())
    }

    async fn learnt_by(&self, instance: Targets, call: &Call, sku: &Sku) -> Result<(), SeedError> {
        let what = format!("asking whether {sku} can be ordered");
        let within = self.seeding.learnt_within;
        let until = Instant::now() + within;
        let mut connection = Connection::new(instance.clone(), 0);
        let mut pause = Duration::from_millis(10);
        loop {
            let answer = self.ask(&mut connection, call, &what).await?;
            let problem: Problem = answer.json().map_err(|source| SeedError::Body { what: what.clone(), source })?;
            if !problem.errors.iter().any(|fault| fault.pointer.as_deref() == Some("/lines/0/sku")) {
                return Ok(());
            }
            if Instant::now() + pause >= until {
                return Err(SeedError::NotLearnt { service: instance.nth(0).address(), sku: sku.clone(), within });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(250));
        }
    }

    pub(super) async fn ask(&self, connection: &mut Connection, call: &Call, what: &str) -> Result<Answer, SeedError> {
        match exchange(connection, call, &self.seeding.retry, Instant::now(), |_| {}).await {
            Outcome::Answered(answer) => Ok(answer),
            Outcome::GaveUp { last, .. } => Err(SeedError::Unanswered { what: what.to_owned(), last }),
        }
    }
}

fn is_same(product: &Product, ware: &Ware) -> bool {
    let price = product.unit_price;
    product.name == ware.name && price.minor == ware.price_pence && price.currency == Currency::GBP
}

/// The body of a success.
pub(super) fn taken<T: serde::de::DeserializeOwned>(answer: &Answer, what: &str) -> Result<T, SeedError> {
    if !answer.status.is_success() {
        return Err(refused(answer, what));
    }
    answer.json().map_err(|source| SeedError::Body { what: what.to_owned(), source })
}

fn refused(answer: &Answer, what: &str) -> SeedError {
    SeedError::Refused { what: what.to_owned(), status: answer.status.as_u16(), detail: answer.complaint() }
}
