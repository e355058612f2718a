//! Epochs of a server: who gives them, and when.
//!
//! Why tokens grow whatever the server loses stands in the crate's documentation.

use std::sync::{Mutex, PoisonError};

use coordination::{CallError, Cluster, Name, epoch};
use tokio::sync::Mutex as Turnstile;

use super::{Server, ServerError, scripts::SCRIPTS};
use crate::{Token, metric_definitions::METRICS};

/// All epochs of a shop are numbers of one sequence, whichever server or strategy they are for.
pub(crate) const EPOCHS: Name = Name::literal("locks");

#[derive(Debug)]
pub(super) struct Fence {
    /// The greatest token this process knows of.
    floor: Mutex<Token>,
    /// The server's process that this one has tokens of.
    run: Mutex<Option<String>>,
    /// One attempt at a time to begin an epoch.
    beginning: Turnstile<()>,
}

impl Default for Fence {
    fn default() -> Self {
        Self { floor: Mutex::new(Token::ZERO), run: Mutex::new(None), beginning: Turnstile::new(()) }
    }
}

impl Fence {
    pub(super) fn floor(&self) -> Token {
        *self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn raise(&self, token: Token) {
        let mut floor = self.floor.lock().unwrap_or_else(PoisonError::into_inner);
        *floor = token.max(*floor);
    }

    /// Whether tokens of a server's process may be taken as they come: of the first, and of one that has had an epoch since.
    /// Another that stands behind the same address now may be an old master, whose epoch is older than what it missed.
    pub(super) fn admits(&self, run: &str) -> bool {
        let mut known = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_or_insert_with(|| run.to_owned()) == run
    }

    fn admit(&self, run: &str) {
        *self.run.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.to_owned());
    }
}

/// An epoch that could not be begun.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// No coordinator gave a number.
    #[error("no epoch: {0}")]
    Coordinators(#[from] CallError),
    /// The coordinators gave a number below one that was seen: they have lost what they held, or are others.
    #[error(
        "the coordinators gave epoch {given}, and {seen} was seen: they have lost data, or are not those of before"
    )]
    Behind {
        /// What they gave.
        given: u64,
        /// What was seen.
        seen: u64,
    },
    /// Redis.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl Server {
    /// Begins an epoch, unless another has claimed to in the meantime: then whoever claimed last does.
    pub(crate) async fn begin_epoch(&self, cluster: &Cluster) -> Result<(), EpochError> {
        let before = self.0.fence.floor();
        let _one_at_a_time = self.0.fence.beginning.lock().await;
        if self.0.fence.floor().epoch() > before.epoch() {
            // Another task of this process has waited here for the same, and has taken by it since.
            return Ok(());
        }
        let nonce = format!("{:032x}", rand::random::<u128>());
        let run = self.0.connection.run_id().await?;
        let _: u32 = self.0.connection.run_on(&run, &SCRIPTS.claim(self.fence_key(), &run, &nonce)).await?;
        // Only now: whatever epoch this server has had before the claim was drawn before this one.
        let number = epoch::next(cluster, &EPOCHS).await?;
        let seen = self.0.fence.floor().epoch();
        if number < seen {
            return Err(EpochError::Behind { given: number, seen });
        }
        let installing = SCRIPTS.install(self.fence_key(), &run, &nonce, number);
        let installed: u32 = self.0.connection.run_on(&run, &installing).await?;
        if installed == 1 {
            self.0.fence.admit(&run);
            METRICS.epochs.add(1, &[]);
            tracing::info!(epoch = number, "a Redis server has a new epoch");
        }
        Ok(())
    }
}
