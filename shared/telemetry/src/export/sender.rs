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
    sync::oneshot,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{
    Settings,
    queue::{Chunk, Counts, Queue},
    transport::{Failure, Frame, Transport},
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
        // A runtime and thread of its own: the service's threads may be busy, and end before the last spans are sent.
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(crate::Error::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = mpsc::channel::<()>();
        let (settings, frame) = (settings.clone(), Frame::new(resource));
        let work = move || {
            runtime.block_on(async move {
                let transport = Transport::new(&settings, frame);
                Work { queue, transport, failures: 0, stopped, stopping: false }.run(settings.delay).await;
            });
            drop(end);
        };
        thread::Builder::new().name("spans".to_owned()).spawn(work).map_err(crate::Error::Thread)?;
        Ok(Self { stop, ended })
    }

    /// Sends what has not been sent, once, for at most `bound`. Blocks. Answers whether all was sent or counted as lost.
    pub fn shutdown(self, bound: Duration) -> bool {
        // An error means that the thread is gone already.
        let _ = self.stop.send(());
        self.ended.recv_timeout(bound) == Err(mpsc::RecvTimeoutError::Disconnected)
    }
}

struct Work {
    queue: Arc<Queue>,
    transport: Transport,
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
        let spans = Bytes::from(std::mem::take(&mut chunk.bytes));
        let queue = Arc::clone(&self.queue);
        let counts = &queue.counts;
        loop {
            match self.transport.send(spans.clone()).await {
                Ok(rejected) => {
                    if self.failures > 0 {
                        tracing::info!(failures = self.failures, "spans are taken again");
                    }
                    self.failures = 0;
                    let rejected = usize::try_from(rejected).unwrap_or(0).min(chunk.spans);
                    Counts::add(&counts.rejected, rejected);
                    Counts::add(&counts.exported, chunk.spans - rejected);
                    break;
                }
                Err(Failure { fault, may_pass, pause }) if may_pass && !self.stopping => {
                    self.failures += 1;
                    if self.failures == 1 {
                        tracing::warn!(fault, "spans are not taken; they are sent again");
                    }
                    self.pause(pause).await;
                }
                Err(Failure { fault, .. }) => {
                    tracing::warn!(fault, spans = chunk.spans, "spans are lost");
                    Counts::add(&counts.failed, chunk.spans);
                    break;
                }
            }
        }
        // Sent or lost, nobody else holds it.
        chunk.bytes = spans.into();
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
