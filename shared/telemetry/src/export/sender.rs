//! The thread that sends what has ended.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use bytes::Bytes;
use opentelemetry_sdk::Resource;
use rand::Rng as _;
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    Settings, Signal, about_itself,
    frame::Frame,
    queue::{Chunk, Counts, Queue},
    transport::{Failure, Transport},
};

/// The pause after a first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Sends spans until it is shut down.
#[derive(Debug)]
pub struct Sender {
    stop: oneshot::Sender<()>,
    ended: mpsc::Receiver<()>,
}

impl Sender {
    pub(super) fn start(settings: &Settings, resource: &Resource, queue: Arc<Queue>) -> Result<Self, crate::Error> {
        let (frame, delay, signal) = (Frame::around_items(resource), settings.delay, settings.to.signal);
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = mpsc::channel::<()>();
        let runtime = runtime()?;
        let transport = {
            let _inside = runtime.enter();
            Transport::new(&settings.to)?
        };
        let work = move || {
            runtime
                .block_on(Work { signal, queue, transport, frame, failures: 0, stopped, stopping: false }.run(delay));
            drop(end);
        };
        spawn(signal, work)?;
        Ok(Self { stop, ended })
    }

    /// Sends what has not been sent, once, for at most `bound`. Blocks. Answers whether all was sent or counted as lost.
    pub fn shutdown(self, bound: Duration) -> bool {
        self.stop().within(bound)
    }

    /// Begins to send what has not been sent, once.
    pub(crate) fn stop(self) -> Ending {
        // An error means that the thread is gone already.
        let _ = self.stop.send(());
        Ending(self.ended)
    }
}

/// The end of a thread that sends.
#[derive(Debug)]
pub(crate) struct Ending(pub(super) mpsc::Receiver<()>);

impl Ending {
    /// Waits for it, for at most `bound`. Answers whether it has come.
    pub(crate) fn within(self, bound: Duration) -> bool {
        self.0.recv_timeout(bound) == Err(mpsc::RecvTimeoutError::Disconnected)
    }
}

/// A runtime of its own: the service's threads may be busy, and end before the last items are sent.
pub(super) fn runtime() -> Result<Runtime, crate::Error> {
    // Its other threads look names up.
    let built = Builder::new_current_thread().enable_all().on_thread_start(about_itself::begin).build();
    built.map_err(crate::Error::Thread)
}

/// Starts the thread that sends a signal. What is logged on it is not sent: each sending would make the next.
pub(super) fn spawn(signal: Signal, work: impl FnOnce() + Send + 'static) -> Result<(), crate::Error> {
    let work = move || {
        about_itself::begin();
        work();
    };
    thread::Builder::new().name(signal.thread().to_owned()).spawn(work).map_err(crate::Error::Thread)?;
    Ok(())
}

struct Work {
    signal: Signal,
    queue: Arc<Queue>,
    transport: Transport,
    frame: Frame,
    /// In a row.
    failures: u32,
    stopped: oneshot::Receiver<()>,
    stopping: bool,
}

impl Work {
    async fn run(mut self, delay: Duration) {
        let mut due = interval(delay.max(Duration::from_millis(1)));
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.stopping {
            let all = tokio::select! {
                () = self.queue.ready.notified() => false,
                _ = due.tick() => true,
                // The process that dropped the sender without a word stops as well.
                _ = &mut self.stopped => {
                    self.stopping = true;
                    true
                }
            };
            while let Some(chunk) = self.queue.take(all || self.stopping) {
                self.deliver(chunk).await;
            }
        }
    }

    /// Sends a chunk, as often as it takes; once, when stopping.
    async fn deliver(&mut self, mut chunk: Chunk) {
        let signal = self.signal.items();
        let items = Bytes::from(std::mem::take(&mut chunk.bytes));
        let head = self.frame.head(items.len());
        let queue = Arc::clone(&self.queue);
        let counts = &queue.counts;
        loop {
            match self.transport.send([head.clone(), items.clone()]).await {
                Ok(rejected) => {
                    if self.failures > 0 {
                        tracing::info!(failures = self.failures, "{signal} are taken again");
                    }
                    self.failures = 0;
                    let rejected = usize::try_from(rejected).unwrap_or(0).min(chunk.items);
                    Counts::add(&counts.rejected, rejected);
                    Counts::add(&counts.exported, chunk.items - rejected);
                    break;
                }
                Err(Failure { fault, may_pass, pause }) if may_pass && !self.stopping => {
                    self.failures += 1;
                    if self.failures == 1 {
                        tracing::warn!(fault, "{signal} are not taken; they are sent again");
                    }
                    self.pause(pause).await;
                }
                Err(Failure { fault, .. }) => {
                    tracing::warn!(fault, lost = chunk.items, "{signal} are lost");
                    Counts::add(&counts.failed, chunk.items);
                    break;
                }
            }
        }
        // Sent or lost, nobody else holds it.
        chunk.bytes = items.into();
        queue.done(chunk);
    }

    /// Waits as long as the collector asked for, or with growing pauses; less when it is to stop.
    async fn pause(&mut self, asked: Option<Duration>) {
        let grown = FIRST_PAUSE.saturating_mul(1 << self.failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
        let pause = asked.unwrap_or_else(|| grown.mul_f64(rand::rng().random_range(0.5..=1.0)));
        tokio::select! {
            () = sleep(pause) => {}
            _ = &mut self.stopped => self.stopping = true,
        }
    }
}
