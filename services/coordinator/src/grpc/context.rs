//! What all services share.

use std::{sync::Arc, time::Duration};

use consensus::{
    api::{
        etcdserverpb::ResponseHeader,
        logpb::{Command, command::Operation},
    },
    store::Outcome,
};
use tokio::sync::watch;
use tonic::{Status, metadata::MetadataMap};

use super::{Options, status, watch::Watches};
use crate::engine::{Engine, Leadership, ProposeError};

/// How often an unfinished purge is asked after.
const PURGE_POLL: Duration = Duration::from_millis(10);

/// How many election timeouts without a leader end the streams that require one, as in etcd: connecting anew costs
/// more than waiting.
const LEADERLESS_TIMEOUTS: u32 = 3;

/// A cheap handle.
#[derive(Clone, Debug)]
pub(super) struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    options: Options,
    watches: Watches,
}

impl Context {
    pub(super) fn new(engine: Engine, options: Options) -> Self {
        let watches = Watches::start(&engine);
        Self(Arc::new(Inner { engine, options, watches }))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(super) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(super) fn watches(&self) -> &Watches {
        &self.0.watches
    }

    pub(super) async fn propose(&self, operation: Operation) -> Result<Outcome, ProposeError> {
        self.0.engine.propose(Command { operation: Some(operation) }).await
    }

    /// A header with the current revision.
    pub(super) fn header(&self) -> ResponseHeader {
        let revision = self.0.engine.store().revision();
        self.header_at(revision)
    }

    pub(super) fn header_at(&self, revision: i64) -> ResponseHeader {
        let identity = self.0.engine.identity();
        let (cluster_id, member_id) = (identity.cluster_id, identity.member_id);
        ResponseHeader { cluster_id, member_id, revision, raft_term: self.0.engine.status().term }
    }

    /// Completes a header of the state machine, which knows the revision only.
    pub(super) fn fill(&self, header: &mut Option<ResponseHeader>) {
        let known = header.as_ref().map_or(0, |header| header.revision);
        *header = Some(if known == 0 { self.header() } else { self.header_at(known) });
    }

    /// Whether this member belongs to the cluster without a vote.
    pub(super) fn is_learner(&self) -> bool {
        let engine = &self.0.engine;
        !engine.status().is_voter
            && engine.store().members().get(engine.identity().member_id).is_some_and(|member| member.is_learner)
    }

    /// Waits until history that was compacted has left memory.
    pub(super) async fn purged(&self) {
        let stopping = self.0.engine.stopping();
        let purged = async {
            while self.0.engine.store().needs_purge() {
                tokio::time::sleep(PURGE_POLL).await;
            }
        };
        tokio::select! {
            () = purged => {}
            () = stopping => {}
        }
    }

    /// What ends a stream from this side: the member stops, or has been without a leader for long and the client asked
    /// not to be served then. The future borrows nothing.
    pub(super) fn end_of_stream(&self, metadata: &MetadataMap) -> impl Future<Output = Status> + Send + 'static {
        let requires_leader = super::gate::requires_leader(metadata.as_ref());
        let leadership = self.0.engine.leadership();
        let patience = self.0.engine.limits().election_timeout * LEADERLESS_TIMEOUTS;
        let stopping = self.0.engine.stopping();
        async move {
            let no_leader = async {
                if requires_leader {
                    leaderless(leadership, patience).await;
                } else {
                    std::future::pending().await
                }
            };
            tokio::select! {
                () = no_leader => status::no_leader(),
                () = stopping => status::stopped(),
            }
        }
    }
}

/// Ends when no leader has been known for so long.
async fn leaderless(mut leadership: watch::Receiver<Leadership>, patience: Duration) {
    loop {
        let since = leadership.borrow_and_update().leaderless_since;
        let patience_ends = async {
            match since {
                Some(since) => tokio::time::sleep_until((since + patience).into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = patience_ends => return,
            // The member stops: whoever waits for that answers.
            changed = leadership.changed() => if changed.is_err() { std::future::pending().await },
        }
    }
}
