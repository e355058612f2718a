//! One process: its life, its log, its end.

use std::{os::unix::process::ExitStatusExt, path::Path, time::Duration};

use local::process::{Ending, Lifeline, Process, Signal, Spec, tail};

/// A shell that runs `script`, logging to `dir/log`.
pub(crate) fn shell(dir: &Path, script: &str) -> Spec {
    let args = ["-c", script].map(String::from).to_vec();
    Spec { args, ..Spec::new("script", "/bin/sh", dir.join("log")) }
}

/// Whether a process with this number exists and is no zombie.
pub(crate) fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Polls until the condition holds; fails the test after 20 s.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..2000 {
        if condition() {
            return;
        }
        ticks.tick().await;
    }
    panic!("{what}: still not so after 20 s");
}

/// The number that a script wrote into its log.
pub(crate) async fn logged_pid(log: &Path) -> u32 {
    eventually("a number in the log", || tail(log, 1).trim().parse::<u32>().is_ok()).await;
    tail(log, 1).trim().parse().unwrap()
}

#[tokio::test]
async fn output_goes_to_the_log_and_the_exit_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let lifeline = Lifeline::start(Ending::default()).unwrap();
    let process = Process::spawn(shell(dir.path(), "echo out; echo err >&2; exit 7"), &lifeline).unwrap();
    let exit = process.wait_exit().await;
    assert_eq!((exit.code(), process.exit(), process.is_running()), (Some(7), Some(exit), false));
    assert_eq!(tail(process.log(), 10), "out\nerr");
}

#[tokio::test]
async fn a_program_that_is_missing_says_so_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let lifeline = Lifeline::start(Ending::default()).unwrap();
    let process = Process::spawn(Spec::new("absent", "/nowhere/at/all", dir.path().join("log")), &lifeline).unwrap();
    assert_eq!(process.wait_exit().await.code(), Some(127));
    assert!(tail(process.log(), 1).contains("/nowhere/at/all"), "{}", tail(process.log(), 1));
}

#[tokio::test]
async fn the_environment_is_what_the_spec_says_and_the_path() {
    let dir = tempfile::tempdir().unwrap();
    let lifeline = Lifeline::start(Ending::default()).unwrap();
    let env = vec![("GREETING".to_owned(), "hello".to_owned())];
    let process = Process::spawn(Spec { env, ..shell(dir.path(), "/usr/bin/env") }, &lifeline).unwrap();
    process.wait_exit().await;
    let mut names: Vec<String> =
        tail(process.log(), 20).lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect();
    names.sort();
    assert_eq!(names, ["GREETING", "PATH", "PWD"]); // PWD is the shell's own.
}

#[tokio::test]
async fn stop_asks_first_and_kills_after_the_bound() {
    let dir = tempfile::tempdir().unwrap();
    let lifeline = Lifeline::start(Ending::default()).unwrap();
    let polite = shell(dir.path(), "trap 'exit 3' TERM; echo $$; while :; do sleep 0.01; done");
    let polite = Process::spawn(polite, &lifeline).unwrap();
    logged_pid(polite.log()).await;
    assert_eq!(polite.stop(Duration::from_secs(20)).await.code(), Some(3));

    let deaf =
        Spec { log: dir.path().join("deaf"), ..shell(dir.path(), "trap '' TERM; echo $$; sleep 600; sleep 600") };
    let deaf = Process::spawn(deaf, &lifeline).unwrap();
    logged_pid(deaf.log()).await;
    assert_eq!(deaf.stop(Duration::from_millis(50)).await.signal(), Some(Signal::SIGKILL as i32));
}

#[tokio::test]
async fn kill_and_pause_reach_descendants_in_other_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let lifeline = Lifeline::start(Ending::default()).unwrap();
    let script = "setsid sh -c 'echo $$; while :; do sleep 0.01; done' & wait";
    let process = Process::spawn(shell(dir.path(), script), &lifeline).unwrap();
    let grandchild = logged_pid(process.log()).await;
    let state = || {
        let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    };

    process.pause();
    eventually("the grandchild stops", || state() == 'T').await;
    process.resume();
    eventually("the grandchild runs on", || state() != 'T').await;
    process.pause();
    process.kill();
    assert_eq!(process.wait_exit().await.signal(), Some(Signal::SIGKILL as i32));
    eventually("the grandchild is gone", || !lives(grandchild)).await;
}

#[tokio::test]
async fn what_an_ended_process_left_in_its_group_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let lifeline = Lifeline::start(Ending::default()).unwrap();
    let process = Process::spawn(shell(dir.path(), "sleep 600 & echo $!"), &lifeline).unwrap();
    assert!(process.wait_exit().await.success());
    let orphan = logged_pid(process.log()).await;
    eventually("the orphan is gone", || !lives(orphan)).await;
}

#[tokio::test]
async fn a_dropped_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let lifeline = Lifeline::start(Ending::default()).unwrap();
    let process = Process::spawn(shell(dir.path(), "sleep 600"), &lifeline).unwrap();
    let pid = process.pid();
    assert!(lives(pid));
    drop(process);
    eventually("the process is gone", || !lives(pid)).await;
}
