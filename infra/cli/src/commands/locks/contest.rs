//! One process of a comparison.

use std::{
    io::{self, Read},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use coordination::Cluster;
use futures::future;
use locks::{
    Config, Strategy,
    bench::{self, Report, Waiting, Witness},
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
};

use super::LocksError;
use crate::{CommandError, output};

/// The hidden command.
pub(super) const COMMAND: &str = "contend";
/// What all keys of a comparison begin with, in Redis and at the coordinators: no order's lock does.
const PREFIX: &str = "plumbline-locks-bench";
/// Longer than a comparison's pauses, shorter than one's patience with what a killed process has left.
const TTL: Duration = Duration::from_secs(10);

/// Contend for locks as standard input says, as JSON
#[derive(Debug, clap::Args)]
pub(crate) struct Contend {}

/// What one process does. It may hold passwords, so it is told through a pipe.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Contest {
    pub(super) redis: String,
    pub(super) redlock: Vec<String>,
    pub(super) coordinators: Vec<String>,
    /// How it locks, by its word.
    pub(super) strategy: String,
    /// Whether contenders ask again and again, instead of waiting to be told.
    pub(super) polling: bool,
    pub(super) contenders: usize,
    pub(super) keys: usize,
    pub(super) hold: Duration,
    pub(super) think: Duration,
    pub(super) duration: Duration,
    /// An empty folder where it is seen whether two are inside at once, whichever process they are of.
    pub(super) witness: PathBuf,
}

impl Contend {
    pub(super) async fn run(&self) -> Result<(), CommandError> {
        let mut told = String::new();
        io::stdin().read_to_string(&mut told)?;
        let report = serde_json::from_str::<Contest>(&told)?.run().await?;
        output::line(serde_json::to_string(&report)?)?;
        Ok(())
    }
}

impl Contest {
    async fn run(self) -> Result<Report, CommandError> {
        let each = if self.polling { self.contenders } else { 1 };
        // The process's queue would help those who poll, so each has locks of its own.
        let all = (0..each).map(|_| self.locks()).collect::<Result<Vec<_>, _>>()?;
        let contest = bench::Contest {
            contenders: self.contenders,
            keys: self.keys,
            hold: self.hold,
            think: self.think,
            duration: self.duration,
            waiting: if self.polling { Waiting::Polling } else { Waiting::Queued },
        };
        let witness = Witness::of_this_machine(self.keys, &self.witness)?;
        Ok(bench::contend_seen_by(witness, |number| all[number % all.len()].clone(), contest).await)
    }

    fn locks(&self) -> Result<locks::Locks, LocksError> {
        let strategy = self.strategy.parse::<Strategy>().map_err(|error| LocksError::Process(error.to_string()))?;
        let cluster = match &self.coordinators[..] {
            [] => None,
            endpoints => Some(Cluster::new(coordination::Config::new(endpoints, PREFIX))?),
        };
        let (redlock, prefix) = (self.redlock.clone(), format!("{PREFIX}:"));
        let config = Config { redlock, prefix, ttl: TTL, ..Config::new(&self.redis) };
        Ok(locks::Locks::fixed(config, strategy, cluster)?)
    }

    /// Runs this in several processes at once, with the contenders shared among them.
    pub(super) async fn among(&self, processes: usize) -> Result<Report, CommandError> {
        let share = |n: usize| self.contenders / processes + usize::from(n < self.contenders % processes);
        let shares = (0..processes).map(share).filter(|contenders| *contenders > 0);
        let started = shares.map(|contenders| start(Self { contenders, ..self.clone() }));
        let reports = future::try_join_all(started).await?;
        let merged = reports.into_iter().reduce(Report::merge);
        merged.ok_or_else(|| LocksError::Process("there is none".to_owned()).into())
    }
}

/// Runs a contest in a process of its own.
async fn start(contest: Contest) -> Result<Report, CommandError> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["locks", COMMAND]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child: Child = command.kill_on_drop(true).spawn()?;
    let mut pipe = child.stdin.take().expect("standard input is piped");
    pipe.write_all(&serde_json::to_vec(&contest)?).await?;
    drop(pipe);
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        return Err(LocksError::Process(String::from_utf8_lossy(&output.stderr).trim().to_owned()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
