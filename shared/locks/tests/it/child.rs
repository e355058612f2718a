//! Another process of the operating system: this test program once more, told by its environment what to be.

use std::{env, process::Stdio};

use coordination::Cluster;
use locks::{Guard, Keys, LockError, Locks, Strategy};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{self, ChildStdin, ChildStdout},
    sync::mpsc,
    time::timeout,
};

use crate::{
    stage::{BOUND, config_at, soon},
    switching, telling,
};

/// What it is, and what it needs for that, with spaces between.
const ROLE: &str = "LOCKS_CHILD";
/// What a line begins with that it says to its parent: the test harness writes others.
const SAYS: &str = ">> ";

/// Another process, killed when this is dropped.
pub(crate) struct Child {
    process: process::Child,
    said: Lines<BufReader<ChildStdout>>,
    told: ChildStdin,
}

impl Child {
    /// One that holds, or waits for, what it is told.
    pub(crate) fn holder(url: &str, strategy: Strategy, cluster: &Cluster) -> Self {
        Self::start(&format!("holder {url} {strategy} {}", reached(cluster)), &[])
    }

    /// One that follows the setting, and locks as long as it is not told to stop.
    pub(crate) fn member(url: &str, cluster: &Cluster, folder: &std::path::Path) -> Self {
        Self::start(&format!("member {url} {} {}", folder.display(), reached(cluster)), &[])
    }

    /// One that takes and gives back, and tells what it has recorded.
    pub(crate) fn telling(url: &str, collector: &str) -> Self {
        let sends = [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", collector),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ];
        Self::start(&format!("telling {url}"), &sends)
    }

    fn start(role: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = process::Command::new(env::current_exe().unwrap());
        command.args(["--exact", "child::child", "--nocapture"]).env(ROLE, role).envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        let told = process.stdin.take().unwrap();
        Self { process, said, told }
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

    pub(crate) async fn tell(&mut self, word: &str) {
        self.told.write_all(format!("{word}\n").as_bytes()).await.unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id().unwrap()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Kills it, as a crash would; returns when it is gone.
    pub(crate) async fn crash(&mut self) {
        self.process.kill().await.unwrap();
    }
}

/// How another process reaches these coordinators: endpoint and prefix.
fn reached(cluster: &Cluster) -> String {
    format!("{} {}", cluster.endpoint(), cluster.config().prefix)
}

fn reach(endpoint: &str, prefix: &str) -> Cluster {
    let config = coordination::Config::new([endpoint], prefix);
    Cluster::new(coordination::Config { patience: BOUND, ..config }).unwrap()
}

/// What another process does; in this one there is nothing to do.
#[test]
fn child() {
    let Ok(role) = env::var(ROLE) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let words: Vec<&str> = role.split(' ').collect();
    match words.as_slice() {
        ["holder", url, strategy, endpoint, prefix] => {
            let config = config_at(url);
            let fixed = || Locks::fixed(config, strategy.parse().unwrap(), Some(reach(endpoint, prefix))).unwrap();
            runtime.block_on(async { hold(fixed()).await });
        }
        ["member", url, folder, endpoint, prefix] => {
            runtime.block_on(switching::be_member(url, &reach(endpoint, prefix), folder.as_ref()));
        }
        ["telling", url] => telling::take_and_tell(&runtime, url),
        other => panic!("{other:?} is no role"),
    }
}

pub(crate) fn say(what: &str) {
    println!("{SAYS}{what}");
}

/// What the parent tells.
pub(crate) fn told() -> mpsc::UnboundedReceiver<String> {
    let (send, told) = mpsc::unbounded_channel();
    std::thread::spawn(move || std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
    told
}

/// Takes `a` when told to, says its token, and whether it still has it.
async fn hold(locks: Locks) {
    let (mut told, mut held): (_, Option<Guard>) = (told(), None);
    say("ready");
    while let Some(word) = told.recv().await {
        match word.as_str() {
            "take" => {
                say("takes");
                let taken: Result<Guard, LockError> = locks.lock(&Keys::one("a"), soon()).await;
                let guard = held.insert(taken.unwrap());
                say(&guard.token().map(|token| token.to_i128()).unwrap_or_default().to_string());
            }
            "check" => say(if held.as_ref().is_some_and(|guard| guard.check().is_ok()) { "held" } else { "lost" }),
            "release" => {
                let released = held.take().unwrap().release().await;
                say(if released.held { "held" } else { "lost" });
            }
            other => panic!("{other:?} is no order"),
        }
    }
}
