//! Contention for one key from three processes, queued and polling in turn, in one run; or a million handovers.
//!
//! `contend REDIS_URL [SECONDS]`, `contend REDIS_URL handover TIMES`. Without coordinators: the plain lock, whose waiting is
//! that of the fenced one.

use std::{env, error::Error, process::Stdio, time::Duration};

use locks::{
    Config, Locks, Strategy,
    bench::{self, Contest, Report, Waiting, Witness},
};
use tokio::process::Command;

const PROCESSES: usize = 3;
const CONTENDERS: usize = 32;
/// Names its number, how it waits and the pause in ms to a process that this one starts.
const CHILD: &str = "CONTEND_CHILD";
/// Names the folder to it in which processes see each other.
const FOLDER: &str = "CONTEND_FOLDER";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let url = arguments.get(1).ok_or("contend REDIS_URL [SECONDS] | handover TIMES")?;
    if arguments.get(2).is_some_and(|word| word == "handover") {
        let times = arguments.get(3).map_or(Ok(1_000_000), |text| text.parse())?;
        let locks = (0..PROCESSES).map(|_| locks(url)).collect::<Result<Vec<_>, _>>()?;
        let begun = std::time::Instant::now();
        let longest = bench::hand_over(locks, CONTENDERS, times).await?;
        println!("{times} handovers in {:?}, the longest wait {longest:?}", begun.elapsed());
        return Ok(());
    }
    let seconds = arguments.get(2).map_or(Ok(10), |text| text.parse())?;
    if let Ok(child) = env::var(CHILD) {
        let words: Vec<&str> = child.split(' ').collect();
        let [number, waiting, think] = words.as_slice() else { return Err("three words".into()) };
        let report = contend(url, number.parse()?, waiting, think.parse()?, seconds).await?;
        println!("{}", serde_json::to_string(&report)?);
        return Ok(());
    }
    for (waiting, think) in [0, 5]
        .into_iter()
        .flat_map(|think| ["polling", "queued"].repeat(2).into_iter().map(move |waiting| (waiting, think)))
    {
        let report = together(url, waiting, think, seconds).await?;
        println!(
            "{waiting:8} {think} ms between, {:6.0} locks/s, wait p50 {:6.1} ms, p99 {:6.1} ms, max {:6.1} ms, {} failures, {} violations",
            report.rate(),
            milliseconds(report.wait(0.5)),
            milliseconds(report.wait(0.99)),
            milliseconds(report.wait(1.0)),
            report.failures,
            report.violations
        );
    }
    Ok(())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn locks(url: &str) -> Result<Locks, Box<dyn Error>> {
    let config = Config { ttl: Duration::from_secs(30), ..Config::new(url) };
    Ok(Locks::fixed(config, Strategy::Redis, None)?)
}

/// Runs the contest in several processes at once.
async fn together(url: &str, waiting: &str, think: u64, seconds: u64) -> Result<Report, Box<dyn Error>> {
    let witnessed = tempfile::tempdir()?;
    let start = |number| {
        let mut child = Command::new(env::current_exe()?);
        child
            .args([url, &seconds.to_string()])
            .env(CHILD, format!("{number} {waiting} {think}"))
            .env(FOLDER, witnessed.path())
            .stdout(Stdio::piped());
        child.kill_on_drop(true).spawn()
    };
    let children = (0..PROCESSES).map(start).collect::<Result<Vec<_>, _>>()?;
    let mut merged: Option<Report> = None;
    for child in children {
        let output = child.wait_with_output().await?;
        let report: Report = serde_json::from_slice(&output.stdout)?;
        merged = Some(match merged {
            Some(merged) => merged.merge(report),
            None => report,
        });
    }
    Ok(merged.ok_or("no process")?)
}

async fn contend(url: &str, number: usize, waiting: &str, think: u64, seconds: u64) -> Result<Report, Box<dyn Error>> {
    let waiting = if waiting == "polling" { Waiting::Polling } else { Waiting::Queued };
    let contenders = CONTENDERS / PROCESSES + usize::from(number < CONTENDERS % PROCESSES);
    let one = locks(url)?;
    // The process's queue would help those who poll.
    let each = (0..contenders).map(|_| locks(url)).collect::<Result<Vec<_>, _>>()?;
    let duration = Duration::from_secs(seconds);
    let contest = Contest {
        contenders,
        keys: 1,
        hold: Duration::from_millis(1),
        think: Duration::from_millis(think),
        duration,
        waiting,
    };
    let of = |number: usize| if waiting == Waiting::Polling { each[number].clone() } else { one.clone() };
    let witness = Witness::of_this_machine(contest.keys, env::var(FOLDER)?.as_ref())?;
    Ok(bench::contend_seen_by(witness, of, contest).await)
}
