//! Which buckets this instance relays: whose locks it holds, and which it should.

use std::time::Duration;

use coordination::election::Shares;
use sqlx::postgres::PgConnectOptions;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use super::{
    locks::Locks,
    plan::{Buckets, Orphans, Plan, decide},
};
use crate::metric_definitions::METRICS;

/// How often the locks are looked at.
const TICK: Duration = Duration::from_millis(500);

/// The buckets owned now, and a way to learn of changes.
pub(super) type Owned = watch::Receiver<Buckets>;

/// Starts competing for buckets, until `stopped`; then all are given up. `shares` are those this instance is elected for.
pub(super) fn start(
    database: PgConnectOptions,
    shares: Option<Shares>,
    stopped: CancellationToken,
) -> (Owned, JoinHandle<()>) {
    let (sender, receiver) = watch::channel(Buckets::new());
    let task = tokio::spawn(async move {
        let mut elected = Elected::of(shares.as_ref());
        while !stopped.is_cancelled() {
            let failed = hold(&database, &mut elected, &sender, &stopped).await;
            set(&sender, Buckets::new());
            if let Err(error) = failed {
                tracing::warn!(%error, "outbox buckets lost with their connection");
            }
            tokio::select! {
                () = sleep(TICK) => {}
                () = stopped.cancelled() => {}
            }
        }
        if let Some(shares) = shares {
            shares.leave().await;
        }
    });
    (receiver, task)
}

/// What this instance is elected for.
enum Elected {
    /// Nothing ever: there are no elections.
    Never,
    Of {
        owned: watch::Receiver<Buckets>,
        connected: watch::Receiver<bool>,
    },
}

impl Elected {
    fn of(shares: Option<&Shares>) -> Self {
        shares.map_or(Self::Never, |shares| Self::Of { owned: shares.owned(), connected: shares.connected() })
    }

    /// `None` while nobody can be elected.
    fn now(&mut self) -> Option<Buckets> {
        match self {
            Self::Never => None,
            Self::Of { owned, connected } => {
                let connected = *connected.borrow_and_update();
                let owned = owned.borrow_and_update().clone();
                connected.then_some(owned)
            }
        }
    }

    async fn changed(&mut self) {
        let Self::Of { owned, connected } = self else { return std::future::pending().await };
        tokio::select! {
            Ok(()) = owned.changed() => {}
            Ok(()) = connected.changed() => {}
            else => std::future::pending().await,
        }
    }
}

/// Competes on one connection until it fails or the relay stops.
async fn hold(
    database: &PgConnectOptions,
    elected: &mut Elected,
    sender: &watch::Sender<Buckets>,
    stopped: &CancellationToken,
) -> Result<(), sqlx::Error> {
    let mut locks = Locks::connect(database).await?;
    let mut orphans = Orphans::default();
    loop {
        let seen = locks.look().await?;
        let orphaned = orphans.see(&seen, Instant::now());
        let Plan { give_up, take, want } = decide(&seen, elected.now().as_ref(), &orphaned);
        let mut owned = &seen.owned - &give_up;
        // Before the locks go. The session still lets what it sent of these buckets arrive; a new owner may send it again,
        // which is harmless.
        set(sender, owned.clone());
        for bucket in give_up {
            locks.give_up(bucket).await?;
        }
        for bucket in take {
            if locks.take(bucket).await? {
                owned.insert(bucket);
            }
        }
        locks.want(&seen.wanted, &want).await?;
        set(sender, owned);
        tokio::select! {
            () = sleep(TICK) => {}
            () = elected.changed() => {}
            () = stopped.cancelled() => return locks.close().await,
        }
    }
}

fn set(sender: &watch::Sender<Buckets>, owned: Buckets) {
    sender.send_if_modified(|current| {
        METRICS.owned_buckets.add(owned.len() as i64 - current.len() as i64, &[]);
        let changed = *current != owned;
        *current = owned;
        changed
    });
}
