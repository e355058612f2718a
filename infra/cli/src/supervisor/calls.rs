//! Answering those who call over the control socket.

use std::{
    fmt::Display,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use local::shop::{Service, Shop};
use tokio::task::JoinSet;

use crate::control::{AuditSource, Call, Endpoints, Listener, Overview, Reply, Request, Wish};

/// Where calls are answered.
pub(super) struct Desk {
    pub(super) shop: Shop,
    up_since: Instant,
    started_in: Duration,
}

impl Desk {
    pub(super) fn new(shop: Shop, started_in: Duration) -> Self {
        Self { shop, up_since: Instant::now(), started_in }
    }

    /// Answers calls, each in a task of its own, until one asks for everything to stop, which it returns unanswered; or
    /// until the socket fails. No task is left then.
    pub(super) async fn serve(desk: &Arc<Self>, listener: &Listener) -> Option<Call> {
        let mut tasks = JoinSet::new();
        let last = loop {
            tokio::select! {
                call = listener.accept() => match call {
                    Ok(call) => drop(tasks.spawn(Arc::clone(desk).answer(call))),
                    Err(error) => {
                        tracing::error!(%error, "the control socket failed, stopping");
                        break None;
                    }
                },
                // Matched in here, not before the arrow: there, the end of any other call would close this branch until
                // the next caller comes, and a call to stop would wait for that.
                Some(ended) = tasks.join_next() => if let Ok(Some(stop)) = ended {
                    break Some(stop);
                },
            }
        };
        tasks.shutdown().await;
        last
    }

    /// Answers a call, or hands it back when it asks for everything to stop.
    async fn answer(self: Arc<Self>, mut call: Call) -> Option<Call> {
        let reply = match call.request().await {
            Err(error) => unreadable(&error),
            Ok(Request::Stop) => return Some(call),
            Ok(Request::Status) => Reply::Status(Box::new(self.overview().await)),
            Ok(Request::Kill { part }) => done(self.shop.kill(part).await),
            Ok(Request::Restart { part }) => done(self.shop.restart(part).await),
            Ok(Request::Pause { part }) => done(self.shop.pause(part).await),
            Ok(Request::Resume { part }) => done(self.shop.resume(part).await),
            Ok(Request::Scale { service, count }) => done(self.shop.scale(service, count).await),
            Ok(Request::Replica { wish }) => self.replica(wish).await,
        };
        if let Err(error) = call.reply(&reply).await {
            tracing::debug!(%error, "the caller has gone");
        }
        None
    }

    async fn replica(&self, wish: Wish) -> Reply {
        let Some(replica) = self.shop.replica() else {
            let reason = "this shop runs without a replica: `./plumbline down && ./plumbline up -d --replica` has one";
            return Reply::Failed { reason: reason.to_owned() };
        };
        let done = match wish {
            Wish::Show => Ok(()),
            Wish::Pause => replica.pause_replay().await,
            Wish::Resume => replica.resume_replay().await,
        };
        let standing = async { done.and(Ok(replica.standing().await?)) };
        match standing.await {
            Ok(standing) => Reply::Replica(standing),
            Err(error) => Reply::Failed { reason: format!("the replica does not answer: {error}") },
        }
    }

    /// The shop as it is now.
    pub(super) async fn overview(&self) -> Overview {
        let services = Service::ALL.map(|service| (service, self.shop.addresses(service)));
        let audit = self.shop.audit_source();
        Overview {
            supervisor: std::process::id(),
            started_in: self.started_in,
            up_for: self.up_since.elapsed(),
            parts: self.shop.status().await,
            endpoints: Endpoints {
                services: services.into(),
                coordinators: self.shop.coordinators(),
                traces: self.shop.traces(),
                operator_token: self.shop.operator_token_file().to_owned(),
                redis: self.shop.redis_url(),
                redlock: self.shop.redlock_urls(),
                audit: AuditSource {
                    order_database: audit.order_database,
                    inventory_database: audit.inventory_database,
                    kafka: audit.kafka,
                },
            },
        }
    }
}

fn done(result: Result<(), impl Display>) -> Reply {
    match result {
        Ok(()) => Reply::Done,
        Err(error) => Reply::Failed { reason: error.to_string() },
    }
}

fn unreadable(error: &io::Error) -> Reply {
    Reply::Failed { reason: format!("the request can't be read: {error}") }
}
