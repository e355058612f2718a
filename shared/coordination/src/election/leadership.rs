//! Being leader.

use crate::lease::{Life, Session};

/// A won election, for as long as this is held and its lease holds. Dropped, it is resigned in the background.
#[derive(Debug)]
pub struct Leadership {
    pub(super) session: Session,
    pub(super) term: u64,
}

/// What a leader's work needs to know: its term, and whether that lasts.
#[derive(Debug, Clone)]
pub struct Mandate {
    term: u64,
    life: Life,
}

impl Leadership {
    /// The term: the revision at which this candidate entered. Every later leader's is greater, so it serves as fencing
    /// token: whoever writes for the leader sends it along, and whoever stores refuses a term smaller than one seen.
    pub fn term(&self) -> u64 {
        self.term
    }

    /// Whether this is still the leader by the local clock: false before another can be.
    pub fn is_leader(&self) -> bool {
        self.session.is_alive()
    }

    /// Waits until this is not the leader any more.
    pub async fn lost(&self) {
        self.session.lost().await;
    }

    /// The same for others to look at.
    pub fn mandate(&self) -> Mandate {
        Mandate { term: self.term, life: self.session.life().clone() }
    }

    /// Lets the next one lead, and waits until the coordinators know or the cluster's patience is over.
    pub async fn resign(self) {
        self.session.revoke().await;
    }
}

impl Mandate {
    /// See [`Leadership::term`].
    pub fn term(&self) -> u64 {
        self.term
    }

    /// See [`Leadership::is_leader`].
    pub fn is_leader(&self) -> bool {
        self.life.is_alive()
    }

    /// Waits until this is not the leader any more.
    pub async fn lost(&self) {
        self.life.lost().await;
    }
}
