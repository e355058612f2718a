//! The thread that sends metrics, at an interval.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use bytes::Bytes;
use opentelemetry_sdk::Resource;
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval},
};

use super::{
    Periodic, Signal,
    frame::Frame,
    queue::Counts,
    sender::{Ending, runtime, spawn},
    transport::{Failure, Transport},
};

/// All that is counted now, as fields of OTLP's `ResourceMetrics`.
#[derive(Debug, Default)]
pub struct Reading {
    /// `scope_metrics`.
    pub(crate) scopes: Vec<u8>,
    /// How many data points they hold.
    pub(crate) points: usize,
}

/// Sends metrics until it is shut down.
#[derive(Debug)]
pub struct Ticker {
    stop: oneshot::Sender<()>,
    ended: mpsc::Receiver<()>,
    counts: Arc<Counts>,
}

impl Ticker {
    /// Starts sending what `read` reads.
    pub(super) fn start(
        settings: &Periodic,
        resource: &Resource,
        read: impl Fn() -> Reading + Send + 'static,
    ) -> Result<Self, crate::Error> {
        let (frame, every) = (Frame::around_scopes(resource), settings.interval);
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = mpsc::channel::<()>();
        let counts = Arc::<Counts>::default();
        let runtime = runtime()?;
        let transport = {
            let _inside = runtime.enter();
            Transport::new(&settings.to)?
        };
        let work = Work { transport, frame, read, counts: Arc::clone(&counts), taken: true };
        spawn(Signal::Metrics, move || {
            runtime.block_on(work.run(every, stopped));
            drop(end);
        })?;
        Ok(Self { stop, ended, counts })
    }

    pub(super) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Sends once more, for at most `bound`. Blocks. Answers whether that came to an end.
    pub fn shutdown(self, bound: Duration) -> bool {
        self.stop().within(bound)
    }

    /// Begins to send once more.
    pub(crate) fn stop(self) -> Ending {
        // An error means that the thread is gone already.
        let _ = self.stop.send(());
        Ending(self.ended)
    }
}

struct Work<R> {
    transport: Transport,
    frame: Frame,
    read: R,
    counts: Arc<Counts>,
    /// Whether the last sending was, so that a collector that stays away is told of once.
    taken: bool,
}

impl<R: Fn() -> Reading> Work<R> {
    async fn run(mut self, every: Duration, mut stopped: oneshot::Receiver<()>) {
        let mut due = interval(every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once, when nothing is counted yet.
        due.tick().await;
        loop {
            let last = tokio::select! {
                _ = due.tick() => false,
                // The process that dropped the ticker without a word stops as well.
                _ = &mut stopped => true,
            };
            self.send().await;
            if last {
                break;
            }
        }
    }

    /// Sends what is counted now. What isn't taken is not sent again: the next sending says all of it, and what came since.
    async fn send(&mut self) {
        let Reading { scopes, points } = (self.read)();
        if points == 0 {
            return;
        }
        let head = self.frame.head(scopes.len());
        match self.transport.send([head, Bytes::from(scopes)]).await {
            Ok(rejected) => {
                if !self.taken {
                    tracing::info!("metrics are taken again");
                }
                self.taken = true;
                let rejected = usize::try_from(rejected).unwrap_or(usize::MAX).min(points);
                Counts::add(&self.counts.rejected, rejected);
                Counts::add(&self.counts.exported, points - rejected);
            }
            Err(Failure { fault, .. }) => {
                if self.taken {
                    tracing::warn!(fault, "metrics are not taken; they go with the next ones");
                }
                self.taken = false;
                Counts::add(&self.counts.failed, points);
            }
        }
    }
}
