//! An instance of a service, or a coordinator.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time,
};

use super::{
    error::NotReady,
    keeper::{Command, Keeper, Life},
    part::{Part, State, Status},
};
use crate::{
    ports::Lease,
    process::{Lifeline, Process, SpawnError, Spec, tail},
    readiness::{self, Readiness},
};

/// How often an instance is asked whether it is ready.
const ASK_EVERY: Duration = Duration::from_millis(15);
/// How long an instance may take to become ready: migrations, the catalogue, joining its consumer group.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long it may drain: a little more than the services' own bound.
pub(super) const DRAIN_WITHIN: Duration = Duration::from_secs(15);
/// Lines of the log that stand in an error.
const TOLD_LINES: usize = 8;

/// A running, or killed, instance of a service, or coordinator.
#[derive(Debug)]
pub(super) struct Instance {
    /// This one alone.
    pub(super) part: Part,
    pub(super) address: SocketAddr,
    /// What it is asked whether it is ready.
    question: &'static str,
    /// Keep the ports while no process listens on them.
    _ports: Vec<Lease>,
    log: PathBuf,
    commands: mpsc::Sender<Command>,
    life: watch::Receiver<Life>,
}

/// Who an instance is, and where.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) part: Part,
    /// Where it listens: on one of its ports.
    pub(super) address: SocketAddr,
    /// The path that answers 200 when it is ready.
    pub(super) question: &'static str,
    /// All that it has.
    pub(super) ports: Vec<Lease>,
}

impl Instance {
    /// Starts an instance; `later` is what its next lives are started from.
    pub(super) fn start(
        seat: Seat,
        (first, later): (Spec, Spec),
        lifeline: &Arc<Lifeline>,
    ) -> Result<Self, SpawnError> {
        let Seat { part, address, question, ports } = seat;
        let log = first.log.clone();
        let process = Process::spawn(first, lifeline)?;
        let (commands, life) = Keeper::start(process, later, lifeline);
        Ok(Self { part, address, question, _ports: ports, log, commands, life })
    }

    /// Whether it has a process, also a paused one.
    pub(super) fn has_process(&self) -> bool {
        self.life.borrow().pid.is_some()
    }

    /// Waits until it is ready, and returns how long its process took.
    pub(super) async fn ready(&self) -> Result<Duration, NotReady> {
        let (begin, crashes) = (Instant::now(), self.life.borrow().crashes);
        loop {
            let answer = readiness::ask(self.address, self.question).await;
            let life = self.life.borrow().clone();
            if life.crashes > crashes || life.pid.is_none() {
                return Err(self.ended(&life));
            }
            match answer {
                Readiness::Ready => return Ok(life.since.elapsed()),
                Readiness::NotReady(reason) | Readiness::Silent(reason) if begin.elapsed() > READY_WITHIN => {
                    return Err(self.too_late(reason));
                }
                Readiness::NotReady(_) | Readiness::Silent(_) => time::sleep(ASK_EVERY).await,
            }
        }
    }

    fn ended(&self, life: &Life) -> NotReady {
        let exit = life.last_crash.clone().unwrap_or_else(|| life.state.to_string());
        NotReady::Ended { part: self.part, exit, log: self.log.clone(), last: tail(&self.log, TOLD_LINES) }
    }

    fn too_late(&self, reason: String) -> NotReady {
        NotReady::TooLate { part: self.part, bound: READY_WITHIN, reason, log: self.log.clone() }
    }

    /// The instance as it is now.
    pub(super) async fn status(&self) -> Status {
        let life = self.life.borrow().clone();
        let (state, detail) = match life.state {
            State::Running => match readiness::ask(self.address, self.question).await {
                Readiness::Ready => (State::Ready, String::new()),
                Readiness::NotReady(reason) | Readiness::Silent(reason) => (State::Running, reason),
            },
            state => (state, String::new()),
        };
        let detail = if detail.is_empty() { life.last_crash.unwrap_or_default() } else { detail };
        Status {
            part: self.part,
            state,
            detail,
            address: self.address,
            pid: life.pid,
            since: life.since.elapsed(),
            crashes: life.crashes,
            log: self.log.clone(),
        }
    }

    /// How often it has ended by itself.
    pub(super) fn crashes(&self) -> u32 {
        self.life.borrow().crashes
    }

    pub(super) async fn kill(&self) {
        self.tell(Command::Kill).await;
    }

    pub(super) async fn pause(&self) {
        self.tell(Command::Pause).await;
    }

    pub(super) async fn resume(&self) {
        self.tell(Command::Resume).await;
    }

    pub(super) async fn stop(&self) {
        self.tell(|done| Command::Stop(DRAIN_WITHIN, done)).await;
    }

    /// Drains and stops it if it runs, and starts it anew; [`Instance::ready`] tells when it is ready.
    pub(super) async fn restart(&self) -> Result<(), NotReady> {
        Ok(self.tell(|done| Command::Restart(DRAIN_WITHIN, done)).await?)
    }

    async fn tell<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> T {
        let (done, answer) = oneshot::channel();
        let sent = self.commands.send(command(done)).await;
        sent.expect("the keeper ends only when nobody can send");
        answer.await.expect("the keeper answers every command")
    }
}
