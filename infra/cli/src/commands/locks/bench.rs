//! `./plumbline locks bench`.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use local::servers::IndependentRedis;
use locks::{Strategy, bench::Report};
use serde::Serialize;

use super::{LocksError, contest::Contest, servers::Servers};
use crate::{
    CommandError, output, progress,
    table::{Cell, Table},
    units,
};

/// Independent Redis servers that redlock is tried on.
const REDLOCK_SERVERS: usize = 3;

/// Compare ways to lock under contention, in turn, on the servers of the running shop
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Locks are taken by the key names of this command alone, so that no order waits for it; it loads the \
servers, though. `polling` is the plain lock in Redis, asked for again after up to 200 ms, as it is usually done. `none` guards nothing: what \
locking costs. `redlock` is tried on three Redis servers of its own, which run as long as it does. `database` is left out: there the rows of \
an order's own transaction are locked, and no other has them. Waits count also where they were in vain. TWICE counts who found another inside, as a witness of its own has seen it.

Examples:
  ./plumbline locks bench
  ./plumbline locks bench --strategies polling,redis-fenced --keys 100
  ./plumbline locks bench --json | jq '.[] | {way, locks_per_second, wait_ms}'"
)]
pub(crate) struct Bench {
    /// How many want locks, in all processes together
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    contenders: u16,

    /// How many processes they are in
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=50))]
    processes: u16,

    /// How long each lock is held
    #[arg(long, value_name = "TIME", default_value = "1ms", value_parser = units::parse)]
    hold: Duration,

    /// How long a contender does something else before it asks again
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = units::parse)]
    think: Duration,

    /// How many keys there are; each contender wants one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    keys: u32,

    /// How long each way is tried
    #[arg(long = "for", value_name = "TIME", default_value = "4s", value_parser = units::parse)]
    duration: Duration,

    /// Which ways, in this order
    #[arg(
        long,
        value_name = "WORDS",
        value_delimiter = ',',
        default_value = "polling,none,redis,redis-fenced,redlock,coordination"
    )]
    strategies: Vec<Way>,

    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    servers: Servers,
}

/// A way to lock and to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The plain lock, asked for again and again.
    Polling,
    /// A strategy, by which waiters are told.
    Queued(Strategy),
}

/// A word for no way that can be compared.
#[derive(Debug, thiserror::Error)]
enum InvalidWay {
    #[error(
        "database can't be compared here: it locks the rows of an order's own transaction. `load flash-sale --strategy all` has it"
    )]
    Database,
    #[error("{0:?} is no way to compare: use polling, none, redis, redis-fenced, redlock or coordination")]
    Unknown(String),
}

impl FromStr for Way {
    type Err = InvalidWay;

    fn from_str(text: &str) -> Result<Self, InvalidWay> {
        match text.parse() {
            Ok(Strategy::Database) => Err(InvalidWay::Database),
            Ok(strategy) => Ok(Self::Queued(strategy)),
            Err(_) if text == "polling" => Ok(Self::Polling),
            Err(_) => Err(InvalidWay::Unknown(text.to_owned())),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Polling => f.write_str("polling"),
            Self::Queued(strategy) => strategy.fmt(f),
        }
    }
}

impl Way {
    fn strategy(self) -> Strategy {
        match self {
            Self::Polling => Strategy::Redis,
            Self::Queued(strategy) => strategy,
        }
    }
}

/// How a way fared.
#[derive(Debug, Serialize)]
struct Row {
    way: String,
    locks: u64,
    locks_per_second: f64,
    wait_ms: Waits,
    /// Locks that were not to be had, or were lost while they were held.
    failures: u64,
    /// How many found somebody else inside.
    violations: u64,
}

/// Waits, in milliseconds.
#[derive(Debug, Serialize)]
struct Waits {
    p50: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Row {
    fn new(way: Way, report: &Report) -> Self {
        let wait = |share| report.wait(share).as_secs_f64() * 1e3;
        let wait_ms = Waits { p50: wait(0.5), p90: wait(0.9), p99: wait(0.99), max: wait(1.0) };
        let (way, rate) = (way.to_string(), report.rate());
        let Report { locks, failures, violations, .. } = *report;
        Self { way, locks, locks_per_second: rate, wait_ms, failures, violations }
    }
}

impl Bench {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let places = self.servers.places(data_dir).await?;
        if places.coordinators.is_empty()
            && let Some(way) = self.strategies.iter().find(|way| way.strategy().is_fenced())
        {
            return Err(LocksError::NoCoordinators(way.strategy()).into());
        }
        let wants_redlock = self.strategies.contains(&Way::Queued(Strategy::Redlock));
        let servers = if wants_redlock { REDLOCK_SERVERS } else { 0 };
        let servers = IndependentRedis::start(servers).await?;
        let contest = Contest {
            redis: places.redis,
            redlock: servers.urls(),
            coordinators: places.coordinators,
            strategy: String::new(),
            polling: false,
            contenders: self.contenders.into(),
            keys: self.keys as usize,
            hold: self.hold,
            think: self.think,
            duration: self.duration,
            witness: PathBuf::new(),
        };
        let bar = progress::bar("contending", self.strategies.len() as u64);
        let mut rows = Vec::new();
        for &way in &self.strategies {
            bar.set_prefix(way.to_string());
            let strategy = way.strategy().to_string();
            let folder = tempfile::tempdir()?;
            let (polling, witness) = (way == Way::Polling, folder.path().to_owned());
            let contest = Contest { strategy, polling, witness, ..contest.clone() };
            rows.push(Row::new(way, &contest.among(self.processes.into()).await?));
            bar.inc(1);
        }
        bar.finish_and_clear();
        servers.stop().await;
        self.show(&rows)
    }

    fn show(&self, rows: &[Row]) -> Result<(), CommandError> {
        if self.json {
            output::line(serde_json::to_string_pretty(rows)?)?;
            return Ok(());
        }
        let (hold, think) = (units::time(self.hold), units::time(self.think));
        let Self { contenders, processes, keys, .. } = self;
        let keys = if *keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") };
        output::line(format_args!(
            "{contenders} contenders in {processes} processes for {keys}, held {hold}, {think} between\n\n{}",
            table(rows).render(output::colour())
        ))?;
        Ok(())
    }
}

fn table(rows: &[Row]) -> Table {
    let numbers = ["LOCKS/S", "WAIT p50", "p90", "p99", "MAX", "FAILURES", "TWICE"].map(Cell::number);
    let mut table = Table::new([Cell::text("WAY")].into_iter().chain(numbers));
    for Row { way, locks_per_second, wait_ms, failures, violations, .. } in rows {
        let ms = |time: f64| Cell::number(units::time(Duration::from_secs_f64(time / 1e3)));
        let rate = Cell::number(format_args!("{locks_per_second:.0}"));
        let waits = [wait_ms.p50, wait_ms.p90, wait_ms.p99, wait_ms.max].map(ms);
        table.row([Cell::text(way), rate].into_iter().chain(waits).chain([failures, violations].map(Cell::number)));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_written_as_they_are_read() {
        for word in ["polling", "none", "redis", "redis-fenced", "redlock", "coordination"] {
            assert_eq!(word.parse::<Way>().unwrap().to_string(), word);
        }
        let refused = ["database", "Redis"].map(|word| word.parse::<Way>().unwrap_err().to_string());
        assert!(refused[0].contains("own transaction") && refused[1].contains("polling, none"), "{refused:?}");
    }
}
