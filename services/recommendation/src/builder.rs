//! Who builds the model: one elected instance, from the log; the others take it from that one.
//!
//! A model can be built again from the log at any time, by anyone. So nothing here needs a term: two instances that build at
//! the same time for a moment do twice what one would do, and that is all. And where nobody can be elected, each instance
//! builds for itself unless the one that did still answers.

use std::time::Duration;

use coordination::{
    Name,
    election::{Candidate, Duty, Role},
    settings::Setting,
};
use messaging::Topics;
use service::health::Part;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{events::Feed, follow::Follower, memory::Memory, metric_definitions::METRICS};

/// The duty that is elected, as `recommendation.builder`.
pub const DUTY: Name = Name::literal("builder");

/// How long an instance that starts waits for coordinators before it builds for itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the builder may be silent, where nobody can be elected, before each builds for itself.
const SILENCE: Duration = Duration::from_secs(5);
/// The pause after the Kafka client has refused its settings.
const REFUSED: Duration = Duration::from_secs(5);

/// Where the orders are, and how many to know.
#[derive(Debug, Clone)]
pub struct Source {
    /// Kafka's addresses.
    pub bootstrap: String,
    /// Topic names.
    pub topics: Topics,
    /// How many of the newest orders to know.
    pub window: Setting<i64>,
}

/// What keeps the model up to date, one way or the other.
#[derive(Debug)]
pub struct Builder {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
    duty: Duty,
}

impl Builder {
    /// Starts to build the model or to follow whoever does. `part` becomes ready when all that stood in the log at the start
    /// is learnt, and stays so.
    pub fn start(source: Source, candidate: Option<Candidate>, duty: Duty, memory: Memory, part: Part) -> Self {
        part.not_ready("reading the orders so far");
        let (stop, stopped) = watch::channel(false);
        let work = Work { source, candidate, duty: duty.clone(), memory, part, stopped };
        Self { stop, task: tokio::spawn(work.run()), duty }
    }

    /// Ends it, and hands the duty on.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A task that panicked has said so itself; there is nothing left to wait for.
        let _ = self.task.await;
        self.duty.resign().await;
    }
}

struct Work {
    source: Source,
    candidate: Option<Candidate>,
    duty: Duty,
    memory: Memory,
    part: Part,
    stopped: watch::Receiver<bool>,
}

impl Work {
    async fn run(mut self) {
        if self.candidate.is_some() {
            // Late or not: then it goes by what is known.
            let _ = timeout(PATIENCE, self.duty.wait_for(|role| role != Role::Unled)).await;
        }
        while !*self.stopped.borrow() {
            match (self.duty.role(), self.candidate.clone()) {
                (Role::Standby, Some(candidate)) => self.follow(candidate).await,
                _ => self.build().await,
            }
        }
    }

    /// Builds until another instance is elected, the window is set anew, or the service stops.
    async fn build(&mut self) {
        let Source { bootstrap, topics, window } = &mut self.source;
        let feed = match Feed::start(bootstrap, topics, window.count(), self.memory.clone(), self.part.clone()) {
            Ok(feed) => feed,
            Err(error) => {
                tracing::error!(%error, "the model can't be built");
                return sleep(REFUSED).await;
            }
        };
        METRICS.building(true);
        tokio::select! {
            _ = self.duty.wait_for(|role| role == Role::Standby) => {}
            _ = window.changed() => {}
            _ = self.stopped.wait_for(|stopped| *stopped) => {}
        }
        METRICS.building(false);
        self.memory.publish(None);
        feed.stop().await;
    }

    /// Follows the builder until this instance is elected, or nobody can be and the builder is silent, or the service stops.
    async fn follow(&mut self, candidate: Candidate) {
        let window = &mut self.source.window;
        let mut follower = Follower::new(&candidate, self.memory.clone(), self.part.clone());
        loop {
            let orders = window.count();
            tokio::select! {
                _ = self.duty.wait_for(|role| role == Role::Owner) => return,
                _ = self.stopped.wait_for(|stopped| *stopped) => return,
                _ = window.changed() => follower.begin_anew(),
                () = follower.step(orders) => {}
            }
            if self.duty.role() == Role::Unled && follower.silence() > SILENCE {
                tracing::warn!("no coordinator and no builder answers: this instance builds the model for itself");
                return;
            }
        }
    }
}
