//! The other members: one lasting connection to each, for raft's messages and for small questions.
//!
//! Connections go one way: what a member sends to another goes over the connection it opened itself, so that each side
//! reconnects by itself and nobody has to agree on one. Raft repairs what is lost; nothing is kept for a member that
//! can't be reached.

mod exchange;
mod frame;
mod incoming;
mod join;
mod link;
mod outbound;
mod preamble;
mod questions;
mod snapshot;
mod stream;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use consensus::api::etcdserverpb::Member;
use tokio::sync::{mpsc, oneshot};

pub use self::{
    incoming::{Listening, serve},
    join::{JoinError, members_of},
    stream::Tls,
};
pub(crate) use self::{
    outbound::Outbound,
    questions::{Asked, Refused, Told},
};
use crate::engine::{Identity, Inputs};

/// Questions that may wait for one member.
const QUESTIONS: usize = 1_024;

/// What one asks another, and where the answer goes.
type Question = (Asked, oneshot::Sender<Told>);

/// All other members, as far as this one is connected to them.
pub struct Peers {
    cluster_id: u64,
    own: u64,
    inputs: Inputs,
    tls: Option<Tls>,
    links: Mutex<HashMap<u64, Known>>,
}

struct Known {
    urls: Vec<String>,
    questions: mpsc::Sender<Question>,
    connected: Option<Instant>,
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Peers {
    pub(crate) fn new(identity: &Identity, inputs: Inputs, tls: Option<Tls>) -> Self {
        let Identity { cluster_id, member_id, .. } = *identity;
        Self { cluster_id, own: member_id, inputs, tls, links: Mutex::default() }
    }

    /// Since when this member has been connected to another without a break.
    pub(crate) fn connected_since(&self, id: u64) -> Option<Instant> {
        self.links().get(&id).and_then(|known| known.connected)
    }

    /// Asks another member. `None` when it can't be reached now, or breaks off.
    pub(crate) async fn ask(&self, id: u64, asked: Asked) -> Option<Told> {
        let questions = self.links().get(&id)?.questions.clone();
        let (asker, answer) = oneshot::channel();
        questions.try_send((asked, asker)).ok()?;
        answer.await.ok()
    }

    fn urls_of(&self, id: u64) -> Vec<String> {
        self.links().get(&id).map(|known| known.urls.clone()).unwrap_or_default()
    }

    fn add(&self, member: &Member, questions: mpsc::Sender<Question>) {
        let known = Known { urls: member.peer_ur_ls.clone(), questions, connected: None };
        self.links().insert(member.id, known);
    }

    fn remove(&self, id: u64) {
        self.links().remove(&id);
    }

    fn set_connected(&self, id: u64, connected: bool) {
        if let Some(known) = self.links().get_mut(&id) {
            known.connected = connected.then(Instant::now);
        }
    }

    fn links(&self) -> MutexGuard<'_, HashMap<u64, Known>> {
        // Every change is one insertion or removal: a panic leaves nothing half done.
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
