//! Keeps one instance of a service running.

use std::{
    io,
    process::ExitStatus,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time,
};

use super::{backoff::Backoff, part::State};
use crate::process::{Lifeline, Process, SpawnError, Spec};

/// What an instance is told to do. Each is answered when it is done.
#[derive(Debug)]
pub(super) enum Command {
    /// SIGKILL; it stays down until it is restarted.
    Kill(oneshot::Sender<()>),
    /// SIGTERM with this bound if it runs, then a new life. The answer comes when it is spawned, not when it is ready.
    Restart(Duration, oneshot::Sender<Result<(), SpawnError>>),
    /// SIGSTOP.
    Pause(oneshot::Sender<()>),
    /// SIGCONT.
    Resume(oneshot::Sender<()>),
    /// SIGTERM with this bound, for good.
    Stop(Duration, oneshot::Sender<()>),
}

/// What is known of an instance without asking it.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) state: State,
    pub(super) pid: Option<u32>,
    pub(super) since: Instant,
    /// Lives that ended without being told to.
    pub(super) crashes: u32,
    /// How the last such life ended.
    pub(super) last_crash: Option<String>,
}

/// The task that keeps an instance running: it restarts what ends by itself, and leaves down what was killed.
pub(super) struct Keeper {
    spec: Spec,
    /// Not kept alive from here: whoever drops it may rely on it having ended.
    lifeline: Weak<Lifeline>,
    process: Option<Process>,
    life: watch::Sender<Life>,
    backoff: Backoff,
    restart_at: Option<time::Instant>,
}

impl Keeper {
    /// Starts to keep a process. `next_lives` is what it is spawned from after this life.
    pub(super) fn start(
        process: Process,
        next_lives: Spec,
        lifeline: &Arc<Lifeline>,
    ) -> (mpsc::Sender<Command>, watch::Receiver<Life>) {
        let first = Life {
            state: State::Running,
            pid: Some(process.pid()),
            since: Instant::now(),
            crashes: 0,
            last_crash: None,
        };
        let (life, watched) = watch::channel(first);
        let (sender, commands) = mpsc::channel(8);
        let keeper = Self {
            spec: next_lives,
            lifeline: Arc::downgrade(lifeline),
            process: Some(process),
            life,
            backoff: Backoff::default(),
            restart_at: None,
        };
        tokio::spawn(keeper.run(commands));
        (sender, watched)
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                exit = ended(self.process.as_ref()) => self.crashed(exit),
                () = due(self.restart_at) => self.try_again(),
                command = commands.recv() => match command {
                    Some(command) => self.obey(command).await,
                    None => return,
                },
            }
        }
    }

    // Who asked may have gone meanwhile; what was asked for is done all the same.
    async fn obey(&mut self, command: Command) {
        match command {
            Command::Kill(done) => {
                if let Some(process) = self.process.take() {
                    process.kill();
                    process.wait_exit().await;
                }
                self.rest(State::Killed);
                let _ = done.send(());
            }
            Command::Restart(bound, done) => {
                self.end(bound).await;
                let _ = done.send(self.spawn());
            }
            Command::Pause(done) => {
                if let Some(process) = &self.process {
                    process.pause();
                    self.life.send_modify(|life| life.state = State::Paused);
                }
                let _ = done.send(());
            }
            Command::Resume(done) => {
                if let Some(process) = &self.process {
                    process.resume();
                    self.life.send_modify(|life| life.state = State::Running);
                }
                let _ = done.send(());
            }
            Command::Stop(bound, done) => {
                self.end(bound).await;
                self.rest(State::Stopped);
                let _ = done.send(());
            }
        }
    }

    async fn end(&mut self, bound: Duration) {
        if let Some(process) = self.process.take() {
            process.stop(bound).await;
        }
    }

    fn rest(&mut self, state: State) {
        self.restart_at = None;
        self.life.send_modify(|life| (life.state, life.pid, life.since) = (state, None, Instant::now()));
    }

    fn spawn(&mut self) -> Result<(), SpawnError> {
        self.restart_at = None;
        let ended = || SpawnError::Lifeline { name: self.spec.name.clone(), source: io::ErrorKind::BrokenPipe.into() };
        let lifeline = self.lifeline.upgrade().ok_or_else(ended)?;
        let process = Process::spawn(self.spec.clone(), &lifeline)?;
        let pid = Some(process.pid());
        self.life.send_modify(|life| (life.state, life.pid, life.since) = (State::Running, pid, Instant::now()));
        self.process = Some(process);
        Ok(())
    }

    fn try_again(&mut self) {
        if let Err(error) = self.spawn() {
            self.wait_after(Duration::ZERO, error.to_string());
        }
    }

    fn crashed(&mut self, exit: ExitStatus) {
        let life = self.process.take().map(|process| process.age()).unwrap_or_default();
        tracing::warn!(name = self.spec.name, %exit, ?life, "ended by itself");
        self.wait_after(life, exit.to_string());
    }

    fn wait_after(&mut self, lived: Duration, reason: String) {
        let wait = self.backoff.after(lived);
        self.rest(State::Waiting);
        self.restart_at = Some(time::Instant::now() + wait);
        self.life.send_modify(|life| {
            life.crashes += 1;
            life.last_crash = Some(reason);
        });
    }
}

async fn ended(process: Option<&Process>) -> ExitStatus {
    match process {
        Some(process) => process.wait_exit().await,
        None => std::future::pending().await,
    }
}

async fn due(at: Option<time::Instant>) {
    match at {
        Some(at) => time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Ending, Signal};

    struct Kept {
        commands: mpsc::Sender<Command>,
        life: watch::Receiver<Life>,
        _lifeline: Arc<Lifeline>,
        _folder: tempfile::TempDir,
    }

    impl Kept {
        fn start(script: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let lifeline = Arc::new(Lifeline::start(Ending::default()).unwrap());
            let mut spec = Spec::new("kept", "/bin/sh", folder.path().join("log"));
            spec.args = vec!["-c".to_owned(), script.to_owned()];
            let process = Process::spawn(spec.clone(), &lifeline).unwrap();
            let (commands, life) = Keeper::start(process, spec, &lifeline);
            Self { commands, life, _lifeline: lifeline, _folder: folder }
        }

        async fn tell<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> T {
            let (done, answer) = oneshot::channel();
            self.commands.send(command(done)).await.unwrap();
            answer.await.unwrap()
        }

        async fn until(&self, reached: impl FnMut(&Life) -> bool) -> Life {
            let mut life = self.life.clone();
            time::timeout(Duration::from_secs(30), life.wait_for(reached)).await.unwrap().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn what_ends_by_itself_lives_again_and_is_counted() {
        let kept = Kept::start("exit 3");
        let life = kept.until(|life| life.crashes >= 2).await;
        assert_eq!(life.last_crash.as_deref(), Some("exit status: 3"));
    }

    #[tokio::test]
    async fn what_was_killed_stays_down_until_it_is_restarted() {
        let kept = Kept::start("exec sleep 60");
        let first = kept.life.borrow().pid;
        kept.tell(Command::Kill).await;
        let killed = kept.life.borrow().clone();
        assert_eq!((killed.state, killed.pid, killed.crashes), (State::Killed, None, 0));
        kept.tell(|done| Command::Restart(Duration::from_secs(5), done)).await.unwrap();
        let restarted = kept.life.borrow().clone();
        assert_eq!((restarted.state, restarted.crashes), (State::Running, 0));
        assert!(restarted.pid.is_some() && restarted.pid != first);
    }

    #[tokio::test]
    async fn a_signal_from_elsewhere_is_a_crash_even_while_paused() {
        let kept = Kept::start("exec sleep 60");
        kept.tell(Command::Pause).await;
        assert_eq!(kept.life.borrow().state, State::Paused);
        let pid = kept.life.borrow().pid.unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), Signal::SIGKILL).unwrap();
        let life = kept.until(|life| life.crashes == 1 && life.state == State::Running).await;
        assert_ne!(life.pid, Some(pid));
    }

    #[tokio::test]
    async fn a_stop_lets_it_drain() {
        let kept = Kept::start("trap 'exit 0' TERM; sleep 60 & wait");
        kept.tell(|done| Command::Stop(Duration::from_secs(30), done)).await;
        assert_eq!(kept.life.borrow().state, State::Stopped);
    }
}
