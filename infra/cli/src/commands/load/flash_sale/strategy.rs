//! How inventory locks stock: setting it, and waiting until it is so.

use std::time::Duration;

use coordination::{
    CallError, Cluster, Name, presence,
    settings::{Control, Kind},
};
use tokio::time::timeout;

use super::NoSale;
use crate::{CommandError, commands::settings};

/// Stands for every strategy, one after the other.
pub(super) const ALL: &str = "all";
/// What says how stock is locked.
const SETTING: Name = Name::literal("inventory.locks.strategy");
/// What instances say they lock by.
const IN_FORCE: Name = Name::literal("locks.strategy");
/// Who is written down as having set it.
const WHO: &str = "flash-sale";
/// How long instances may take to go over: longer than a lock lives whose holder has died, and than a membership.
const PATIENCE: Duration = Duration::from_secs(60);

/// The strategy that needs servers of its own.
const REDLOCK: &str = "redlock";

/// How inventory locks stock.
pub(super) struct Strategies {
    cluster: Cluster,
    control: Control,
    /// Whether the shop has the servers that Redlock takes.
    redlock: bool,
}

impl Strategies {
    pub(super) fn of(cluster: Cluster, redlock: bool) -> Self {
        Self { control: Control::new(&cluster), cluster, redlock }
    }

    /// Every word there is, but one that this shop has no servers for.
    pub(super) async fn words(&self) -> Result<Vec<String>, CommandError> {
        match settings::definition(&self.control, &SETTING).await?.kind {
            Kind::Choice { words } => Ok(words.into_iter().filter(|word| self.redlock || word != REDLOCK).collect()),
            other => Err(CommandError::Unexpected(format!("{SETTING} takes {}", other.allowed()))),
        }
    }

    /// What it is set to; `None` for the default.
    pub(super) async fn value(&self) -> Result<Option<String>, CallError> {
        self.control.value(&SETTING).await
    }

    /// Sets it, and waits until nobody locks by anything else: who does not say so yet takes no locks.
    pub(super) async fn put_in_force(&self, word: &str) -> Result<(), CommandError> {
        if word == REDLOCK && !self.redlock {
            return Err(NoSale::NoRedlock.into());
        }
        self.control.set(&SETTING, Some(word), WHO).await?;
        let agreed = timeout(PATIENCE, presence::unanimous(&self.cluster, &IN_FORCE, word)).await;
        Ok(agreed.map_err(|_| NoSale::NotInForce { word: word.to_owned(), waited: PATIENCE })?)
    }

    /// Sets it back.
    pub(super) async fn put_back(&self, value: Option<&str>) -> Result<(), CommandError> {
        self.control.set(&SETTING, value, WHO).await?;
        Ok(())
    }
}
