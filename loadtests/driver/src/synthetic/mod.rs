//! Load of any size and shape, on products of its own.

mod choice;

use std::{fmt, fmt::Write, ops::RangeInclusive, str::FromStr};

use bytes::Bytes;
use contracts::{Sku, order::MAX_LINES};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::{
    Drive, Limit, Rate, RunError,
    engine::{self, Plan, Planned, Work},
    http::{Call, path},
    seed::Ware,
    summary::{Progress, Summary},
};
use choice::Chooser;
pub use choice::{Choice, InvalidChoice};

/// The most SKUs there are: as many as five digits tell apart.
pub const MAX_SKUS: usize = 99_999;

/// Load that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLoad {
    /// Not "N" or "N..M".
    #[error("lines must be N or N..M with 1 <= N <= M <= {MAX_LINES}")]
    Lines,
    /// No, or too many, SKUs, or fewer than an order has lines.
    #[error("the number of SKUs must be 1 to {MAX_SKUS}, and at least the most lines of an order")]
    Skus,
}

/// How many lines an order has: from the first to the last number, all alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines(RangeInclusive<usize>);

impl FromStr for Lines {
    type Err = InvalidLoad;

    /// Parses `N`, or `N..M` with both included.
    fn from_str(text: &str) -> Result<Self, InvalidLoad> {
        let number = |text: &str| text.parse().map_err(|_| InvalidLoad::Lines);
        let (least, most) = match text.split_once("..") {
            Some((least, most)) => (number(least)?, number(most.trim_start_matches('='))?),
            None => (number(text)?, number(text)?),
        };
        let legal = 1 <= least && least <= most && most <= MAX_LINES;
        if legal { Ok(Self(least..=most)) } else { Err(InvalidLoad::Lines) }
    }
}

impl Lines {
    /// One line, always.
    pub(crate) fn one() -> Self {
        Self(1..=1)
    }
}

impl Default for Lines {
    /// 1 to 5.
    fn default() -> Self {
        Self(1..=5)
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0.start(), self.0.end())
    }
}

/// The shape of the load. Each line asks for one piece.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Orders a second; `None` keeps every connection busy, to find the most the services do.
    pub rate: Option<Rate>,
    /// How many lines an order has.
    pub lines: Lines,
    /// How many SKUs there are: SYN-00001 and on.
    pub skus: usize,
    /// How popular each is.
    pub choice: Choice,
    /// From the same seed come the same orders.
    pub seed: u64,
}

impl Default for Load {
    /// 100 orders a second of 1 to 5 lines over 1,000 equally popular SKUs.
    fn default() -> Self {
        Self { rate: Rate::new(100.0).ok(), lines: Lines::default(), skus: 1_000, choice: Choice::Uniform, seed: 1 }
    }
}

impl Load {
    /// Its products, each with so much stock.
    ///
    /// # Errors
    /// Where there can't be as many.
    pub fn wares(&self, stock: u64) -> Result<Vec<Ware>, InvalidLoad> {
        self.check()?;
        Ok((0..self.skus).map(|n| ware(n, stock)).collect())
    }

    fn check(&self) -> Result<(), InvalidLoad> {
        let legal = (1..=MAX_SKUS).contains(&self.skus) && self.skus >= *self.lines.0.end();
        if legal { Ok(()) } else { Err(InvalidLoad::Skus) }
    }

    pub(crate) fn plan(self, drive: &Drive) -> Plan {
        let Limit { orders, sending } = drive.limit;
        let rate = self.rate;
        let calls = Calls::new(self, drive);
        match rate {
            None => Plan::Saturated { orders: Box::new(calls) },
            Some(rate) => {
                let within = (sending.as_secs_f64() * rate.get()).ceil() as u64;
                let orders = orders.min(within.max(1));
                let items = (0..orders).zip(calls);
                let items = items.map(move |(n, call)| Planned { at: rate.due(n), work: Work::Order(call) });
                Plan::Open { orders, inventory: None, items: Box::new(items) }
            }
        }
    }
}

/// Why synthetic load could not be made, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// See [`InvalidLoad`].
    #[error(transparent)]
    Load(#[from] InvalidLoad),
    /// See [`RunError`].
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Sends synthetic orders until the run's limit. The products must be in the shop, see [`Load::wares`].
///
/// # Errors
/// Where the load or the run's settings make no sense, or its ledger can't be written.
pub async fn run(
    drive: Drive,
    load: Load,
    progress: impl FnMut(&Progress) + Send + 'static,
) -> Result<Summary, LoadError> {
    load.check()?;
    let plan = load.plan(&drive);
    Ok(engine::run(drive, plan, progress).await?)
}

fn ware(n: usize, stock: u64) -> Ware {
    let sku = Sku::try_from(sku(n)).expect("letters, a dash and digits are a SKU");
    // Prices spread over 0.10 to 99.99 without a pattern that follows the popularity.
    let price_pence = 10 + (n as i64 * 7_919) % 9_990;
    Ware { name: format!("Synthetic product {}", n + 1), sku, price_pence, stock }
}

fn sku(n: usize) -> String {
    format!("SYN-{:05}", n + 1)
}

/// The orders themselves, without end.
struct Calls {
    lines: RangeInclusive<usize>,
    chooser: Chooser,
    random: SmallRng,
    chosen: Vec<usize>,
    body: String,
    count: u64,
    keys: Drive,
}

impl Calls {
    fn new(load: Load, drive: &Drive) -> Self {
        Self {
            lines: load.lines.0,
            chooser: Chooser::new(load.choice, load.skus),
            random: SmallRng::seed_from_u64(load.seed),
            chosen: Vec::new(),
            body: String::new(),
            count: 0,
            keys: drive.clone(),
        }
    }
}

impl Iterator for Calls {
    type Item = Call;

    fn next(&mut self) -> Option<Call> {
        let lines = self.random.random_range(self.lines.clone());
        self.chooser.choose(&mut self.random, lines, &mut self.chosen);
        self.body.clear();
        for &n in &self.chosen {
            let before = if self.body.is_empty() { r#"{"lines":["# } else { "," };
            // Writing to a string does not fail.
            let _ = write!(self.body, r#"{before}{{"sku":"SYN-{:05}","quantity":1}}"#, n + 1);
        }
        self.body.push_str("]}");
        self.count += 1;
        let body = Bytes::copy_from_slice(self.body.as_bytes());
        Some(Call::post(path("/orders".to_owned()), body).with_key(self.keys.key(self.count)))
    }
}

#[cfg(test)]
mod tests {
    use contracts::order::PlaceOrder;

    use super::*;
    use crate::Targets;

    fn calls(load: Load) -> Calls {
        Calls::new(load, &Drive::new(Targets::parse(["http://127.0.0.1:1"]).unwrap()))
    }

    #[test]
    fn orders_are_as_the_load_says_and_come_again_from_the_same_seed() {
        let load = Load { skus: 5, lines: "2..4".parse().unwrap(), ..Load::default() };
        let bodies = |load: &Load| -> Vec<PlaceOrder> {
            calls(load.clone()).take(500).map(|call| serde_json::from_slice(call.body()).unwrap()).collect()
        };
        let orders = bodies(&load);
        let mut lengths: Vec<usize> = orders.iter().map(|order| order.lines.len()).collect();
        lengths.sort_unstable();
        lengths.dedup();
        assert_eq!(lengths, [2, 3, 4]);
        let wares = load.wares(1).unwrap();
        let known = |sku: &str| wares.iter().any(|ware| ware.sku.as_str() == sku);
        assert!(orders.iter().flat_map(|order| &order.lines).all(|line| known(&line.sku)));
        assert_eq!(orders, bodies(&load));
        assert_ne!(orders, bodies(&Load { seed: 2, ..load }));
    }

    #[test]
    fn lines_are_a_number_or_a_range() {
        assert_eq!("1..5".parse::<Lines>().unwrap(), Lines(1..=5));
        assert_eq!("3".parse::<Lines>().unwrap(), Lines(3..=3));
        for text in ["", "0", "5..1", "0..3", "1..1001", "1..", "..2", "1-5", "-1"] {
            assert_eq!(text.parse::<Lines>(), Err(InvalidLoad::Lines), "{text}");
        }
    }

    #[test]
    fn there_must_be_as_many_skus_as_lines() {
        let load = Load { skus: 4, ..Load::default() };
        assert_eq!(load.wares(1), Err(InvalidLoad::Skus));
    }
}
