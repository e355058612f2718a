//! Another process of the operating system: the test program once more, told by its environment what to be.

use std::{env, process::Stdio, time::Duration};

use nix::unistd::Pid;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{self, ChildStdin, ChildStdout},
    sync::mpsc,
    time::timeout,
};

use crate::process::Signal;

/// What a child is, and what it needs for that, with spaces between.
const ROLE: &str = "PLUMBLINE_TEST_ROLE";
/// What a line begins with that a child says: the test harness writes others.
const SAYS: &str = ">> ";
/// How long it may take to say something.
const BOUND: Duration = Duration::from_secs(60);

/// A child of a test, killed when this is dropped: its own program, of which only the test `child::child` runs. That one
/// does what [`role`] says, and nothing in a process that has none.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    said: Lines<BufReader<ChildStdout>>,
    told: ChildStdin,
}

impl Child {
    /// Starts one with a role, and these environment variables besides.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start<'a>(role: &str, variables: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let program = env::current_exe().unwrap_or_else(|error| panic!("a test's own program: {error}"));
        let mut command = process::Command::new(program);
        command.args(["--exact", "child::child", "--nocapture"]).env(ROLE, role).envs(variables);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap_or_else(|error| panic!("a test's child did not start: {error}"));
        let said = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let told = process.stdin.take().expect("it is piped");
        Self { process, said, told }
    }

    /// The next it [says](say).
    ///
    /// # Panics
    /// When it ends before, or says nothing for a minute.
    pub async fn says(&mut self) -> String {
        let next = async {
            loop {
                let line = self.said.next_line().await.unwrap_or_else(|error| panic!("a test's child: {error}"));
                let line = line.unwrap_or_else(|| panic!("a test's child has ended"));
                if let Some((_, said)) = line.split_once(SAYS) {
                    return said.to_owned();
                }
            }
        };
        timeout(BOUND, next).await.unwrap_or_else(|_| panic!("a test's child has said nothing for {BOUND:?}"))
    }

    /// All that it says before it says `end`.
    ///
    /// # Panics
    /// As [`Child::says`] does.
    pub async fn says_until(&mut self, end: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            match self.says().await {
                last if last == end => return all,
                said => all.push(said),
            }
        }
    }

    /// Tells it a line, which is the next of [`told`].
    ///
    /// # Panics
    /// When it has ended.
    pub async fn tell(&mut self, line: &str) {
        let written = self.told.write_all(format!("{line}\n").as_bytes()).await;
        written.unwrap_or_else(|error| panic!("a test's child can't be told anything: {error}"));
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, signal: Signal) {
        let pid = self.process.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw);
        let sent = nix::sys::signal::kill(pid.expect("it has not been waited for"), signal);
        sent.unwrap_or_else(|error| panic!("a test's child takes no signal: {error}"));
    }

    /// Kills it, as a crash would; returns when it is gone.
    ///
    /// # Panics
    /// When it can't be waited for.
    pub async fn crash(&mut self) {
        self.process.kill().await.unwrap_or_else(|error| panic!("a test's child could not be killed: {error}"));
    }
}

/// What this process is as a child, and what it needs for that; `None` in a test run's own process.
pub fn role() -> Option<String> {
    env::var(ROLE).ok()
}

/// Says a line to the parent.
pub fn say(line: &str) {
    println!("{SAYS}{line}");
}

/// What the parent tells.
pub fn told() -> mpsc::UnboundedReceiver<String> {
    let (send, told) = mpsc::unbounded_channel();
    std::thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    told
}
