//! What is broken while consistency is checked.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use local::{
    servers::Server,
    shop::{Part, Service},
};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use tokio::sync::watch;

use crate::{
    CommandError,
    commands::status,
    control::{self, Request, Wish},
};

/// How long all is well between two faults.
const CALM: Duration = Duration::from_millis(1_500);
/// How long it may take until a part is back, on a busy machine.
const MENDING: Duration = Duration::from_millis(2_500);

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    /// SIGKILL; then a new life.
    Kill(Part),
    /// SIGSTOP; then SIGCONT.
    Stop(Part),
    /// The replica replays nothing; then it does.
    HoldBack,
}

/// How often each fault was made.
pub(super) type Broken = BTreeMap<String, u64>;

/// Faults of a shop's parts, one after the other.
pub(super) struct Faults {
    data_dir: PathBuf,
    faults: Vec<Fault>,
    random: StdRng,
}

impl Faults {
    /// Those that there can be in the shop on this data folder.
    pub(super) async fn of(data_dir: &Path, seed: u64) -> Result<Self, CommandError> {
        let overview = status::overview(data_dir).await?;
        let faults = overview.parts.iter().flat_map(|status| Fault::of(status.part)).collect();
        Ok(Self { data_dir: data_dir.to_owned(), faults, random: StdRng::seed_from_u64(seed) })
    }

    /// Nothing is broken.
    pub(super) fn none(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), faults: Vec::new(), random: StdRng::seed_from_u64(0) }
    }

    /// How long it takes to make each fault once.
    pub(super) fn round(&self) -> Duration {
        self.faults.iter().map(|fault| CALM + fault.lasts() + MENDING).sum()
    }

    /// Makes and mends one after the other, every round in another order, until it is told to stop.
    pub(super) async fn run(mut self, mut stopped: watch::Receiver<bool>) -> Result<Broken, CommandError> {
        let mut broken = Broken::new();
        while !self.faults.is_empty() {
            self.faults.shuffle(&mut self.random);
            for fault in &self.faults {
                if over(&mut stopped, CALM).await {
                    return Ok(broken);
                }
                let (make, mend) = fault.requests();
                self.ask(make).await?;
                *broken.entry(fault.to_string()).or_default() += 1;
                over(&mut stopped, fault.lasts()).await;
                self.ask(mend).await?;
            }
        }
        Ok(broken)
    }

    async fn ask(&self, request: Request) -> Result<(), CommandError> {
        control::ask(&self.data_dir, &request, drop).await?;
        Ok(())
    }
}

/// Waits so long, or until it is over: whether it is.
async fn over(stopped: &mut watch::Receiver<bool>, time: Duration) -> bool {
    // Who would say so has gone where the wait fails.
    tokio::time::timeout(time, stopped.wait_for(|stopped| *stopped)).await.is_ok()
}

impl Fault {
    fn of(part: Part) -> Vec<Self> {
        match part {
            Part::Server(Server::Memcached) => vec![Self::Kill(part), Self::Stop(part)],
            Part::Server(Server::Replica) => vec![Self::HoldBack],
            Part::Service(Service::Inventory, Some(_)) => vec![Self::Kill(part)],
            _ => Vec::new(),
        }
    }

    /// Long enough for what is broken to be noticed, and for copies to be too old.
    fn lasts(self) -> Duration {
        match self {
            Self::Kill(_) => Duration::from_millis(1_000),
            Self::Stop(_) => Duration::from_millis(1_500),
            Self::HoldBack => Duration::from_millis(3_000),
        }
    }

    fn requests(self) -> (Request, Request) {
        match self {
            Self::Kill(part) => (Request::Kill { part }, Request::Restart { part }),
            Self::Stop(part) => (Request::Pause { part }, Request::Resume { part }),
            Self::HoldBack => (Request::Replica { wish: Wish::Pause }, Request::Replica { wish: Wish::Resume }),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(part) => write!(f, "{part} killed"),
            Self::Stop(part) => write!(f, "{part} stopped"),
            Self::HoldBack => f.write_str("replica held back"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_can_be_broken_and_the_rest_is_left_alone() {
        let told = |part: &str| {
            let faults = Fault::of(part.parse().unwrap());
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(told("memcached"), "memcached killed, memcached stopped");
        assert_eq!(told("inventory#2"), "inventory#2 killed");
        assert_eq!(told("replica"), "replica held back");
        for part in ["postgres", "kafka", "redis", "order#1", "coordinator#1", "traces"] {
            assert_eq!(told(part), "", "{part}");
        }
    }
}
