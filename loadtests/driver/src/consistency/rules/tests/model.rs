//! Histories as they are when all is right: a primary, and copies that lag behind it.

use std::time::Duration;

use contracts::consistency::{Copy, Level};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::{
    consistency::{
        history::{Act, Fault, History, Operation, Outcome, Product, Shown, Stock},
        rules::Oldest,
    },
    http::Failure,
};

pub(super) const OLDEST: Oldest = Oldest { cache: Duration::from_millis(40), replica: Duration::from_millis(60) };

/// Sessions end after so many operations.
const SESSION: u32 = 40;

#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) seed: u64,
    pub(super) clients: u32,
    pub(super) products: u32,
    pub(super) operations: usize,
    /// Which part of the writes has no known outcome.
    pub(super) unknown: f64,
}

impl Default for Model {
    fn default() -> Self {
        Self { seed: 1, clients: 4, products: 2, operations: 200, unknown: 0.1 }
    }
}

/// An operation that is to be made, and when it takes effect; `None` for never.
struct Planned {
    effect: Option<Duration>,
    operation: Operation,
}

/// A product's versions, each with the time of its commit.
type Versions = Vec<(Duration, Stock)>;

pub(super) fn history(model: &Model) -> History {
    let mut random = SmallRng::seed_from_u64(model.seed);
    let products: Vec<Product> = (0..model.products)
        .map(|n| Product { sku: format!("P{n}"), first: Stock { version: 3, available: 1_000 } })
        .collect();
    let mut planned = plan(model, &mut random);
    planned.sort_by_key(|planned| planned.effect);
    let mut versions: Vec<Versions> = products.iter().map(|product| vec![(Duration::ZERO, product.first)]).collect();
    let mut operations: Vec<Operation> = Vec::new();
    for Planned { effect, mut operation } in planned {
        if let Some(effect) = effect {
            let versions = &mut versions[operation.product as usize];
            let needed = |all| needed(&operations, &operation, all);
            let needed = (needed(false), needed(true));
            take_effect(&mut random, versions, &mut operation, effect, needed);
        }
        operations.push(operation);
    }
    operations.sort_by_key(|operation| operation.begin);
    History { products, operations }
}

/// When each operation begins, takes effect and ends.
fn plan(model: &Model, random: &mut SmallRng) -> Vec<Planned> {
    let mut free = vec![Duration::ZERO; model.clients as usize];
    let mut made = vec![0; model.clients as usize];
    let mut planned = Vec::new();
    for _ in 0..model.operations {
        let client = random.random_range(0..model.clients);
        let (free, made) = (&mut free[client as usize], &mut made[client as usize]);
        let some = |random: &mut SmallRng| Duration::from_micros(random.random_range(1..4_000));
        let begin = *free + some(random);
        let in_time = begin + some(random);
        let (mut effect, end) = (Some(in_time), in_time + some(random));
        let act = if random.random_bool(0.3) {
            let delta = random.random_range(1..9);
            let unknown = random.random_bool(model.unknown);
            if unknown {
                // Never, in time, or long after its caller has given it up.
                effect = random.random_bool(0.7).then(|| begin + some(random) * 10);
            }
            let fault = Fault::Unanswered(Failure::TimedOut);
            Act::Write { delta, outcome: if unknown { Outcome::Unknown(fault) } else { Outcome::Refused(fault) } }
        } else {
            let level = Level::ALL[random.random_range(0..4)];
            Act::Read { level, outcome: Outcome::Refused(Fault::Unanswered(Failure::Connect)) }
        };
        let session = client * 1_000 + *made / SESSION;
        let product = random.random_range(0..model.products);
        planned
            .push(Planned { effect, operation: Operation { client, session, instance: 0, product, begin, end, act } });
        (*free, *made) = (end, *made + 1);
    }
    planned
}

/// The newest version that the session has written, or has written and been shown.
fn needed(done: &[Operation], operation: &Operation, shown: bool) -> u64 {
    let mine = done.iter().filter(|done| done.session == operation.session && done.product == operation.product);
    let known = mine.filter_map(|done| match done.shown() {
        Some((_, it)) => (shown && it.told).then_some(it.version),
        None => done.version(),
    });
    known.max().unwrap_or(0)
}

fn take_effect(
    random: &mut SmallRng,
    versions: &mut Versions,
    operation: &mut Operation,
    effect: Duration,
    (own, seen): (u64, u64),
) {
    let now = versions.last().expect("there is a first").1;
    match &mut operation.act {
        Act::Write { delta, outcome } => {
            let stock = Stock { version: now.version + 1, available: now.available + *delta };
            versions.push((effect, stock));
            if !matches!(outcome, Outcome::Unknown(_)) {
                *outcome = Outcome::Acknowledged(stock);
            }
        }
        Act::Read { level, outcome } => {
            let (by, age) = match (*level, random.random_range(0..3)) {
                (Level::Strong, _) | (_, 0) => (Copy::Primary, Duration::ZERO),
                (_, 1) => (Copy::Replica, OLDEST.replica),
                _ => (Copy::Cache, OLDEST.cache),
            };
            let mut age = age.mul_f64(random.random()).min(effect);
            let at = |time: Duration| versions[versions.partition_point(|(commit, _)| *commit <= time) - 1].1;
            let least = match level {
                Level::Session => own,
                Level::Monotonic => own.max(seen),
                Level::Strong | Level::Eventual => 0,
            };
            if at(effect - age).version < least {
                age = Duration::ZERO;
            }
            let stock = at(effect - age);
            *outcome = Outcome::Acknowledged(Shown {
                version: stock.version,
                available: Some(stock.available),
                by,
                age: Duration::from_millis(age.as_millis() as u64),
                told: *level != Level::Eventual || random.random(),
            });
        }
    }
}
