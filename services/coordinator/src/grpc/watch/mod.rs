//! The Watch service: streams of requests on one side, the hub on the other.

mod frame;
mod server;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard};

use consensus::{
    api::etcdserverpb::WatchCreateRequest,
    store::Store,
    watch::{Delivery, Hub, Outbox, StreamId, Taken},
};
use tokio::sync::Notify;

pub(super) use self::server::WatchServer;
use crate::engine::Engine;

/// Records of history read at a time for watchers that are behind. Nothing is applied meanwhile.
const CATCH_UP_RECORDS: usize = 2_000;

/// This member's watchers.
#[derive(Clone, Debug)]
pub(super) struct Watches {
    hub: Arc<Mutex<Hub>>,
    /// Wakes the task that reads history.
    nudge: Arc<Notify>,
}

impl Watches {
    /// Starts the task that tells the watchers what is applied. It ends when the member stops.
    pub(super) fn start(engine: &Engine) -> Self {
        let revision = engine.store().revision();
        engine.watched(revision);
        let hub = Arc::new(Mutex::new(Hub::new(revision)));
        let watches = Self { hub, nudge: Arc::new(Notify::new()) };
        tokio::spawn(watches.clone().run(engine.clone()));
        watches
    }

    async fn run(self, engine: Engine) {
        let mut applied = engine.applied();
        let mut stopping = std::pin::pin!(engine.stopping());
        loop {
            applied.mark_unchanged();
            let more = {
                let store = engine.store();
                let mut hub = self.hub();
                let more = hub.catch_up(&store, CATCH_UP_RECORDS);
                engine.watched(hub.seen());
                more
            };
            if more {
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                changed = applied.changed() => if changed.is_err() { return },
                () = self.nudge.notified() => {}
                () = &mut stopping => return,
            }
        }
    }

    /// Opens a stream. It ends when the handle is dropped.
    pub(super) fn open(&self) -> Open {
        let (id, outbox) = self.hub().open();
        Open { id, outbox, watches: self.clone() }
    }

    /// Locked after the store, where both are.
    fn hub(&self) -> MutexGuard<'_, Hub> {
        // Otherwise events were left out: better that nobody gets any.
        self.hub.lock().expect("no round of the hub was cut short by a panic")
    }
}

/// An open stream of deliveries.
#[derive(Debug)]
pub(super) struct Open {
    id: StreamId,
    outbox: Arc<Outbox>,
    watches: Watches,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.watches.hub().close(self.id);
    }
}

impl Open {
    /// Creates a watcher for this member itself.
    pub(super) fn watch(&self, store: &Store, request: WatchCreateRequest) {
        let mut hub = self.watches.hub();
        hub.watch(store, self.id, request);
        if hub.behind() > 0 {
            self.watches.nudge.notify_one();
        }
    }

    /// The next delivery.
    pub(super) async fn next(&self) -> Delivery {
        let taken = std::future::poll_fn(|task| self.outbox.poll_take(task)).await;
        self.note(&taken);
        taken.delivery
    }

    fn note(&self, taken: &Taken) {
        if taken.made_room {
            self.watches.nudge.notify_one();
        }
    }
}
