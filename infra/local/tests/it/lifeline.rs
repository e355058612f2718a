//! What is left when the parent ends: nothing.
//!
//! The parent is this test binary itself, run again with [`ROLE`] set, so that it can be killed.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use local::process::{Ending, Lifeline, Process};
use nix::{
    fcntl::{Flock, FlockArg},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::process::{eventually, lives, logged_pid, shell};

const ROLE: &str = "LIFELINE_TEST_FOLDER";

/// Not a check of its own: the parent that the other tests end.
#[tokio::test]
async fn parent() {
    let Some(folder) = std::env::var_os(ROLE).map(PathBuf::from) else { return };
    let lock = File::create(folder.with_extension("lock")).unwrap();
    let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|(_, fault)| fault).unwrap();
    std::fs::create_dir(&folder).unwrap();
    let ending = Ending { remove: Some(folder.clone()), hold: Some(lock.try_clone().unwrap()) };
    let lifeline = Lifeline::start(ending).unwrap();
    // One process with a child in a session of its own that can't be asked to stop.
    let script = "setsid sh -c \"trap '' TERM INT HUP; echo \\$\\$; while :; do sleep 0.01; done\" & wait";
    let process = Process::spawn(shell(&folder, script), &lifeline).unwrap();
    let grandchild = logged_pid(process.log()).await;
    if folder.ends_with("paused") {
        process.pause();
    }
    println!("pids {} {grandchild}", process.pid());
    if folder.ends_with("panic") {
        panic!("as the test wants");
    }
    if folder.ends_with("exit") {
        std::process::exit(0); // Runs no destructor.
    }
    process.wait_exit().await;
}

struct Parent {
    child: Child,
    below: Vec<u32>,
    folder: PathBuf,
}

impl Parent {
    fn start(dir: &Path, name: &str) -> Self {
        let folder = dir.join(name);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "lifeline::parent", "--nocapture"]).env(ROLE, &folder);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told = lines.map_while(Result::ok).find_map(|line| Some(line.split_once("pids ")?.1.to_owned()));
        let below = told.expect("the parent tells its processes").split(' ').map(|pid| pid.parse().unwrap()).collect();
        Self { child, below, folder }
    }

    async fn leaves_nothing(mut self) {
        self.child.wait().unwrap();
        let free = || {
            let lock = File::open(self.folder.with_extension("lock")).unwrap();
            Flock::lock(lock, FlockArg::LockExclusiveNonblock).is_ok()
        };
        eventually("the lock is free", free).await;
        // All must be done by now.
        for pid in &self.below {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            assert!(!lives(*pid), "a process is left: {stat}");
        }
        assert!(!self.folder.exists(), "the folder is left");
    }
}

#[tokio::test]
async fn a_killed_parent_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let parent = Parent::start(dir.path(), "killed");
    assert!(parent.below.iter().all(|pid| lives(*pid)));
    kill(Pid::from_raw(parent.child.id() as i32), Signal::SIGKILL).unwrap();
    parent.leaves_nothing().await;
}

#[tokio::test]
async fn a_killed_parent_of_paused_processes_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let parent = Parent::start(dir.path(), "paused");
    kill(Pid::from_raw(parent.child.id() as i32), Signal::SIGKILL).unwrap();
    parent.leaves_nothing().await;
}

#[tokio::test]
async fn an_interrupted_parent_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let parent = Parent::start(dir.path(), "interrupted");
    kill(Pid::from_raw(parent.child.id() as i32), Signal::SIGINT).unwrap();
    parent.leaves_nothing().await;
}

#[tokio::test]
async fn a_panic_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    Parent::start(dir.path(), "panic").leaves_nothing().await;
}

#[tokio::test]
async fn an_exit_without_destructors_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    Parent::start(dir.path(), "exit").leaves_nothing().await;
}

#[tokio::test]
async fn drop_waits_until_all_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    let lifeline = Lifeline::start(Ending { remove: Some(folder.clone()), hold: None }).unwrap();
    let process = Process::spawn(shell(&folder, "trap '' TERM; while :; do sleep 0.01; done"), &lifeline).unwrap();
    drop(lifeline);
    assert!(!folder.exists());
    eventually("the process is gone", || !process.is_running()).await;
}
