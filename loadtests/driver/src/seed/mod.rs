//! Filling the shop: products, and stock to begin with, through the services like anyone else.

mod conversation;
mod cover;
mod error;
mod exact;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use contracts::{Sku, Timestamp};
use futures::future::try_join_all;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    OperatorToken, Retry, Targets,
    http::Connection,
    retail::{Product, Retail},
};
use conversation::{Seeded, Shop};
pub use cover::{Cover, InvalidCover};
pub use error::SeedError;

/// A product to be in the shop, and how many of it to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ware {
    /// Its SKU.
    pub sku: Sku,
    /// Its name: 1 to 200 characters.
    pub name: String,
    /// What one costs, in pence: at least 1.
    pub price_pence: i64,
    /// How many there are at the start, at most 1,000,000,000; none are left to be adjusted.
    pub stock: u64,
}

impl Retail {
    /// The file's products with stock for this part of their demand.
    pub fn wares(&self, cover: Cover) -> Vec<Ware> {
        let ware = |product: &Product| Ware {
            sku: product.sku.clone(),
            name: product.name.clone(),
            price_pence: product.price_pence,
            stock: cover.of(product.demand),
        };
        self.products.iter().map(ware).collect()
    }
}

/// How the shop is filled.
#[derive(Debug, Clone)]
pub struct Seeding {
    /// Every instance of the order service: each is waited for until it knows the products.
    pub orders: Targets,
    /// The inventory service's instances.
    pub inventory: Targets,
    /// What changing products and stock needs.
    pub token: OperatorToken,
    /// How many requests are under way at a time; at least one.
    pub connections: usize,
    /// How unanswered requests are sent again.
    pub retry: Retry,
    /// How long the order service may take to learn of the last product.
    pub learnt_within: Duration,
}

/// How far a seeding is: requests answered, of all there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SeedProgress {
    /// Products and stocks seen to.
    pub done: u64,
    /// Products and stocks in all.
    pub of: u64,
}

/// What a seeding did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SeedReport {
    /// Products asked for.
    pub products: u64,
    /// Products that were not there, or had another name or price.
    pub products_put: u64,
    /// Products whose stock was added now.
    pub stocked: u64,
    /// Products whose same stock had been added by an earlier seeding.
    pub stocked_before: u64,
    /// Products seeded earlier with another quantity. Their stock was left as it is: seeding adds stock once, and what
    /// has been sold since can't be told from here.
    pub stocked_otherwise: Vec<Sku>,
    /// How long it took, in seconds.
    pub seconds: f64,
}

impl Seeding {
    /// Usual settings: 32 connections, half a minute for the order service to learn.
    pub fn new(orders: Targets, inventory: Targets, token: OperatorToken) -> Self {
        let learnt_within = Duration::from_secs(30);
        Self { orders, inventory, token, connections: 32, retry: Retry::default(), learnt_within }
    }

    /// Puts every product and its stock into the shop, and waits until the order service knows the products.
    ///
    /// Stock is added under an idempotency key for each SKU, so that seeding again adds nothing, whichever cover it is
    /// told; the report says where an earlier seeding had another quantity.
    ///
    /// # Errors
    /// Where a service refuses, does not answer in time, or does not learn of the products.
    pub async fn run(
        &self,
        wares: &[Ware],
        progress: impl FnMut(SeedProgress) + Send,
    ) -> Result<SeedReport, SeedError> {
        let started = Instant::now();
        let shop = Shop { seeding: self };
        let missing = shop.missing(wares).await?;
        let done =
            Done { count: AtomicU64::new(0), of: (missing.len() + wares.len()) as u64, tell: Mutex::new(progress) };

        // The last one alone: the catalogue's topic keeps order, so whoever knows the last knows all.
        let (last, others) = missing.split_last().map_or((None, &[][..]), |(last, others)| (Some(*last), others));
        self.each(others, &done, async |connection, ware| shop.put(connection, ware).await).await?;
        self.each(last.as_slice(), &done, async |connection, ware| shop.put(connection, ware).await).await?;

        let began = Timestamp::now();
        let report = Mutex::new(SeedReport {
            products: wares.len() as u64,
            products_put: missing.len() as u64,
            ..SeedReport::default()
        });
        let every: Vec<&Ware> = wares.iter().collect();
        self.each(&every, &done, async |connection, ware| {
            let seeded = shop.stock(connection, ware, began).await?;
            report.lock().expect("no holder panics: counting cannot").count(ware, seeded);
            Ok(())
        })
        .await?;
        if let Some(ware) = last {
            shop.learnt(&ware.sku).await?;
        }
        let mut report = report.into_inner().expect("no holder panics: counting cannot");
        report.stocked_otherwise.sort();
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }

    /// Does `work` for each ware, on as many connections as there are.
    async fn each(
        &self,
        wares: &[&Ware],
        done: &Done<impl FnMut(SeedProgress)>,
        work: impl AsyncFn(&mut Connection, &Ware) -> Result<(), SeedError>,
    ) -> Result<(), SeedError> {
        let next = AtomicUsize::new(0);
        let worker = async |n: usize| {
            let mut connection = Connection::new(self.inventory.clone(), n);
            while let Some(ware) = wares.get(next.fetch_add(1, Relaxed)) {
                work(&mut connection, ware).await?;
                done.one();
            }
            Ok(())
        };
        try_join_all((0..self.connections.clamp(1, wares.len().max(1))).map(worker)).await.map(drop)
    }
}

impl SeedReport {
    fn count(&mut self, ware: &Ware, seeded: Seeded) {
        match seeded {
            Seeded::Now => self.stocked += 1,
            Seeded::Before => self.stocked_before += 1,
            Seeded::Otherwise => self.stocked_otherwise.push(ware.sku.clone()),
            Seeded::Nothing => {}
        }
    }
}

/// Counts answers and tells of them.
struct Done<F> {
    count: AtomicU64,
    of: u64,
    tell: Mutex<F>,
}

impl<F: FnMut(SeedProgress)> Done<F> {
    fn one(&self) {
        let done = self.count.fetch_add(1, Relaxed) + 1;
        let mut tell = self.tell.lock().expect("a listener to progress must not panic");
        tell(SeedProgress { done, of: self.of });
    }
}
