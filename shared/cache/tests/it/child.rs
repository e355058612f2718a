//! Another process of the operating system: this test program once more, told by its environment what to be.

use std::{env, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{self, ChildStdout},
    time::timeout,
};

use crate::{filling, stage::BOUND, telling};

/// What it is, and what it needs for that, with spaces between.
const ROLE: &str = "CACHE_CHILD";
/// What a line begins with that it says to its parent: the test harness writes others.
const SAYS: &str = ">> ";

/// Another process, killed when this is dropped.
pub(crate) struct Child {
    process: process::Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// One that loads `a` for ever.
    pub(crate) fn loading(address: &str) -> Self {
        Self::start(&format!("loading {address}"), &[])
    }

    /// One that reads, changes, and tells what it has recorded.
    pub(crate) fn telling(address: &str, collector: &str) -> Self {
        let sends = [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ];
        Self::start(&format!("telling {address}"), &sends)
    }

    fn start(role: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = process::Command::new(env::current_exe().unwrap());
        command.args(["--exact", "child::child", "--nocapture"]).env(ROLE, role).envs(variables.iter().copied());
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, said }
    }

    /// The next it says.
    pub(crate) async fn says(&mut self) -> String {
        let next = async {
            loop {
                let line = self.said.next_line().await.unwrap().expect("it has ended");
                if let Some((_, said)) = line.split_once(SAYS) {
                    return said.to_owned();
                }
            }
        };
        timeout(BOUND, next).await.unwrap()
    }

    /// Kills it, as a crash would; returns when it is gone.
    pub(crate) async fn crash(&mut self) {
        self.process.kill().await.unwrap();
    }
}

/// What another process does; in this one there is nothing to do.
#[test]
fn child() {
    let Ok(role) = env::var(ROLE) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let words: Vec<&str> = role.split(' ').collect();
    match words.as_slice() {
        ["loading", address] => filling::load_for_ever(&runtime, address),
        ["telling", address] => telling::read_and_tell(&runtime, address),
        other => panic!("{other:?} is no role"),
    }
}

pub(crate) fn say(what: &str) {
    println!("{SAYS}{what}");
}
