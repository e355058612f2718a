//! Whether the inventory service keeps what each level of consistency promises, and what each level costs.
//!
//! Clients read and write the stock of products that nobody else has, at all levels and through all instances, while others
//! may break the shop. What they did and were told is a [`History`], which [`Report::of`] checks afterwards by exact
//! rules. The check knows nothing of how the shop works: it sees what a caller sees.

mod client;
mod history;
mod report;
mod rules;

use std::{cell::RefCell, rc::Rc, time::Duration};

use contracts::Sku;
use tokio::task::JoinSet;

use crate::{
    OperatorToken, Targets, ThreadError,
    engine::{Clock, PROGRESS_EVERY, alone},
    http::{Failure, Retry},
    seed::Ware,
};
use client::{Client, Todo};
pub use history::{Act, Fault, History, Operation, Outcome, Product, Shown, Stock};
pub use report::{LevelReport, Report, Told, WriteReport};
pub use rules::{Oldest, Rule};

/// The most operations: all of them stay in memory until they are checked.
pub const MAX_OPERATIONS: u64 = 10_000_000;
/// The most clients; each has a connection to every instance.
pub const MAX_CLIENTS: u32 = 1_000;
/// The most products.
pub const MAX_PRODUCTS: u32 = 9_999;
/// The usual part of writes.
pub const WRITE_SHARE: f64 = 0.1;

/// How many of each product there are at the start; none runs out.
const STOCK: u64 = 1_000_000;

/// What is to be tried.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The inventory service's instances.
    pub inventory: Targets,
    /// What changing stock needs.
    pub token: OperatorToken,
    /// How many operations there are, in all.
    pub operations: u64,
    /// How many clients make them, each one at a time.
    pub clients: u32,
    /// How many products they are spread over.
    pub products: u32,
    /// Which part of the operations writes, from 0 to 1.
    pub write_share: f64,
    /// From the same seed come the same choices of each client.
    pub seed: u64,
    /// The least time that the operations are spread over.
    pub lasting: Duration,
    /// How writes without an answer are sent again. Reads are not.
    pub retry: Retry,
}

/// A trial that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTrial {
    /// None, or too many.
    #[error("the operations must be 1 to {MAX_OPERATIONS}")]
    Operations,
    /// None, or too many.
    #[error("the clients must be 1 to {MAX_CLIENTS}")]
    Clients,
    /// None, or too many.
    #[error("the products must be 1 to {MAX_PRODUCTS}")]
    Products,
    /// No part of anything.
    #[error("the part of writes must be 0 to 1")]
    WriteShare,
}

/// Why a trial could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// See [`InvalidTrial`].
    #[error(transparent)]
    Trial(#[from] InvalidTrial),
    /// See [`ThreadError`].
    #[error(transparent)]
    Thread(#[from] ThreadError),
    /// What there was at the start is not known.
    #[error("the stock of {sku} can't be read before the first operation: {fault}")]
    Unread {
        /// Of what.
        sku: Sku,
        /// Why.
        fault: Fault,
    },
}

/// How far a trial is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Operations that have ended.
    pub done: u64,
    /// Of these, those without an answer.
    pub unanswered: u64,
    /// Operations in all.
    pub of: u64,
}

impl Trial {
    /// Usual settings: 200,000 operations by 32 clients on 20 products, a tenth of them writes.
    pub fn new(inventory: Targets, token: OperatorToken) -> Self {
        // An instance that is paused holds a client up; the other clients go on.
        let retry = Retry { answer_within: Duration::from_secs(5), ..Retry::default() };
        let (lasting, write_share) = (Duration::ZERO, WRITE_SHARE);
        Self { inventory, token, operations: 200_000, clients: 32, products: 20, write_share, seed: 1, lasting, retry }
    }

    /// The products, which have to be in the shop.
    ///
    /// # Errors
    /// See [`InvalidTrial`].
    pub fn wares(&self) -> Result<Vec<Ware>, InvalidTrial> {
        self.check()?;
        let ware = |n| Ware { sku: sku(n), name: format!("Consistency {}", n + 1), price_pence: 100, stock: STOCK };
        Ok((0..self.products).map(ware).collect())
    }

    fn check(&self) -> Result<(), InvalidTrial> {
        match self {
            Self { operations, .. } if !(1..=MAX_OPERATIONS).contains(operations) => Err(InvalidTrial::Operations),
            Self { clients, .. } if !(1..=MAX_CLIENTS).contains(clients) => Err(InvalidTrial::Clients),
            Self { products, .. } if !(1..=MAX_PRODUCTS).contains(products) => Err(InvalidTrial::Products),
            Self { write_share, .. } if !(0.0..=1.0).contains(write_share) => Err(InvalidTrial::WriteShare),
            _ => Ok(()),
        }
    }
}

fn sku(n: u32) -> Sku {
    Sku::try_from(format!("CONSISTENCY-{:04}", n + 1)).expect("letters, a dash and digits are a SKU")
}

/// Has the clients make their operations, and returns what they did and were told. Dropping the future ends the trial.
///
/// # Errors
/// The trial makes no sense, or the products can't be read.
pub async fn run(trial: Trial, progress: impl FnMut(&Progress) + Send + 'static) -> Result<History, TrialError> {
    trial.check()?;
    alone(move || perform(trial, progress)).await?
}

async fn perform(trial: Trial, mut progress: impl FnMut(&Progress)) -> Result<History, TrialError> {
    let products = first(&trial).await?;
    let todo = Rc::new(Todo::new(&trial, Clock::start()));
    let operations = Rc::new(RefCell::new(Vec::with_capacity(trial.operations as usize)));
    let mut clients = JoinSet::new();
    for number in 0..trial.clients {
        let client = Client::new(number, &trial, Rc::clone(&todo), Rc::clone(&operations));
        clients.spawn_local(client.work());
    }
    let mut ticks = tokio::time::interval(PROGRESS_EVERY);
    loop {
        tokio::select! {
            ended = clients.join_next() => if ended.is_none() { break },
            _ = ticks.tick() => progress(&todo.progress()),
        }
    }
    progress(&todo.progress());
    let operations = operations.take();
    Ok(History { products, operations })
}

/// The products as they are before the first operation.
async fn first(trial: &Trial) -> Result<Vec<Product>, TrialError> {
    let mut products = Vec::new();
    for n in 0..trial.products {
        let sku = sku(n);
        let first = client::before(trial, &sku).await;
        let first = first.map_err(|fault| TrialError::Unread { sku: sku.clone(), fault })?;
        products.push(Product { sku: sku.to_string(), first });
    }
    Ok(products)
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        Self::Unanswered(failure)
    }
}
