//! Child processes that never outlive their parent.
//!
//! A [`Process`] is spawned on a [`Lifeline`]; whichever way the parent ends, the process and all its descendants end
//! with it. Output goes to a log file, in append mode. Each process leads a process group of its own, so that Ctrl-C
//! reaches the parent alone, which then stops its children in order.

mod lifeline;
mod log;
mod spawn;
mod tree;

use std::{
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

pub use nix::sys::signal::Signal;
use tokio::sync::watch;

pub use self::{
    lifeline::{Ending, Lifeline, LifelineError},
    log::tail,
    spawn::SpawnError,
};

/// The user a process runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// User number.
    pub uid: u32,
    /// Group number; there are no further groups.
    pub gid: u32,
}

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct Spec {
    /// What the process is called in errors and logs: `postgres`, `order#2`.
    pub name: String,
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments. Every user of the machine can read them: no secrets.
    pub args: Vec<String>,
    /// Its whole environment: nothing but `PATH` is inherited. Only its user and root can read it.
    pub env: Vec<(String, String)>,
    /// Where it runs.
    pub dir: PathBuf,
    /// Where its standard output and error are appended; made, with mode 0600, when missing.
    pub log: PathBuf,
    /// Whom it runs as; this process's user when absent. Only root can name another.
    pub user: Option<User>,
    /// What [`Process::stop`] sends first: SIGTERM for nearly all, SIGINT for PostgreSQL, whose SIGTERM waits for clients.
    pub stop_signal: Signal,
    /// What ends it when it is dropped or its [`Lifeline`] ends, before SIGKILL two seconds later; SIGKILL at once when
    /// absent. For what must clean up behind itself.
    pub last_signal: Option<Signal>,
}

impl Spec {
    /// A program without arguments in an empty environment, run in `/` as this process's user, stopped by SIGTERM.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            dir: PathBuf::from("/"),
            log: log.into(),
            user: None,
            stop_signal: Signal::SIGTERM,
            last_signal: None,
        }
    }
}

/// How long a process has for its last signal.
const LAST_SIGNAL: Duration = Duration::from_secs(2);

/// A running, or ended, child process. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    spec: Spec,
    pid: i32,
    started: Instant,
    /// True until the process is reaped: as long its number cannot belong to another process.
    own: Arc<Mutex<bool>>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts a process on a lifeline.
    ///
    /// The program begins only after the lifeline knows it: there is no moment at which killing the parent would leave
    /// it behind. That the program's file is missing or cannot be executed shows as an exit with code 127 or 126, with
    /// the reason in the log.
    ///
    /// # Errors
    /// The log or the folder can't be used, the user can't be taken on, or no process can be made.
    pub fn spawn(spec: Spec, lifeline: &Lifeline) -> Result<Self, SpawnError> {
        let child = spawn::spawn(&spec, lifeline)?;
        let own = Arc::new(Mutex::new(true));
        let pid = child.id() as i32;
        let exit = spawn::watch(child, Arc::clone(&own));
        tracing::debug!(name = spec.name, pid, "process started");
        Ok(Self { spec, pid, started: Instant::now(), own, exit })
    }

    /// What it was started with: spawn it again to restart it.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// Its number. It may belong to another process once this one has ended.
    pub fn pid(&self) -> u32 {
        self.pid as u32
    }

    /// How long ago it was started.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// How it ended, or `None` while it runs.
    pub fn exit(&self) -> Option<ExitStatus> {
        *self.exit.borrow()
    }

    /// Whether it has not ended. A paused process runs.
    pub fn is_running(&self) -> bool {
        self.exit().is_none()
    }

    /// Sends a signal to the process alone, not to its descendants; none if it has ended.
    pub fn signal(&self, signal: Signal) {
        self.while_own(|pid| tree::send(pid, signal));
    }

    /// Kills (SIGKILL) it and all its descendants at once, paused or not. [`Process::wait_exit`] tells when it is gone.
    pub fn kill(&self) {
        self.while_own(tree::slay);
    }

    /// Stops (SIGSTOP) it and all its descendants where they stand: it keeps its connections and answers nothing.
    pub fn pause(&self) {
        self.while_own(|pid| drop(tree::freeze(pid)));
    }

    /// Lets it run on after [`Process::pause`].
    pub fn resume(&self) {
        self.while_own(tree::thaw);
    }

    /// Asks it to stop, with the signal of its [`Spec`], and kills it after `bound`. Returns how it ended.
    pub async fn stop(&self, bound: Duration) -> ExitStatus {
        self.resume();
        self.signal(self.spec.stop_signal);
        if let Ok(exit) = tokio::time::timeout(bound, self.wait_exit()).await {
            return exit;
        }
        tracing::warn!(name = self.spec.name, ?bound, "process did not stop, killing it");
        self.kill();
        self.wait_exit().await
    }

    /// Waits until it has ended and its number is given back, and returns how it ended.
    pub async fn wait_exit(&self) -> ExitStatus {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await.expect("the watching thread sends before it ends");
        ended.expect("waited for an exit")
    }

    fn while_own(&self, act: impl FnOnce(i32)) {
        let own = self.own.lock().expect("nothing panics while it holds the lock");
        if *own {
            act(self.pid);
        }
    }
}

impl Drop for Process {
    /// Waits for the process's last signal to act, if it has one.
    fn drop(&mut self) {
        if let Some(signal) = self.spec.last_signal {
            self.signal(signal);
            self.resume();
            let begun = Instant::now();
            while self.is_running() && begun.elapsed() < LAST_SIGNAL {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        self.kill();
    }
}
