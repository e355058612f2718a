//! A shop of a test's own.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Mutex,
    time::{Duration, Instant},
};

use rand::Rng;
use tempfile::TempDir;

/// Ports that a shop of one instance each needs, before its offset; and those of two more of inventory.
const PORTS: [u16; 20] = [
    4317, 4318, 8081, 8082, 8083, 8091, 8092, 8093, 8094, 8095, 8096, 8182, 8282, 15432, 15433, 16379, 16686, 19092,
    19093, 21211,
];
/// With these no port is one that the kernel gives to outgoing connections (32,768 and on).
const OFFSETS: std::ops::Range<u16> = 1_000..11_000;
/// Ports that installations of this process have been given: another one's shop may not be up yet.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A data folder and ports that nobody else has. Dropping it stops what runs on it.
pub(crate) struct Installation {
    folder: TempDir,
    offset: u16,
}

impl Installation {
    pub(crate) fn new() -> Self {
        let mut given = GIVEN.lock().unwrap();
        let free = |port| !given.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok();
        let mut offsets = std::iter::repeat_with(|| rand::rng().random_range(OFFSETS));
        let offset = offsets.find(|offset| PORTS.into_iter().all(|port| free(port + offset))).unwrap();
        given.extend(PORTS.map(|port| port + offset));
        Self { folder: tempfile::tempdir().unwrap(), offset }
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn port_offset(&self) -> String {
        format!("--port-offset={}", self.offset)
    }

    /// Where a part listens that has this port without an offset.
    pub(crate) fn port(&self, port: u16) -> u16 {
        port + self.offset
    }

    /// The command, on this installation.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = plumbline(arguments);
        command.env("PLUMBLINE_DATA_DIR", self.data_dir());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    /// Runs `up --detach`, which must succeed.
    pub(crate) fn up(&self) -> Outcome {
        self.run(&["up", "--detach", &self.port_offset()]).success()
    }

    /// Every process of the machine that has to do with this installation: its folder stands in its command line.
    pub(crate) fn processes(&self) -> Vec<String> {
        let folder = self.data_dir().to_str().unwrap();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
        lines.filter(|line| line.contains(folder)).map(|line| line.replace('\0', " ")).collect()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let _ = self.command(&["down"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// The command without an installation.
pub(crate) fn plumbline(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    command.args(arguments).stdin(Stdio::null()).env_remove("PLUMBLINE_DATA_DIR").env_remove("PLUMBLINE_COORDINATORS");
    command
}

/// What a command wrote, and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// The command must have failed with this code and told these words on standard error.
    pub(crate) fn failure(self, code: i32, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(words.iter().all(|word| self.stderr.contains(word)), "{words:?} in {self:#?}");
        self
    }
}

impl From<Output> for Outcome {
    fn from(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

/// Waits until a condition holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
