//! Who may change stock: whoever has the lock of its SKUs, by the strategy in force.
//!
//! Every change takes one lock for all its SKUs before its transaction begins. What the transaction has to do besides
//! follows from the strategy, see [`Writes`].

mod config;
mod outage;
mod settings;

use std::sync::Arc;

use coordination::Cluster;
use locks::{ConfigError, Guard, Keys, LockError, Locks, Lost, Request, Strategy, Token};
use telemetry::context::TraceContext;

use self::outage::Outage;
pub use self::{
    config::Config,
    settings::{NoWhenGone, Settings, WhenGone},
};
use crate::{metric_definitions::METRICS, store::ChangeError};

/// Takes the locks of stock. Clones are the same.
#[derive(Debug, Clone)]
pub struct Locking {
    locks: Locks,
    settings: Settings,
    outage: Arc<Outage>,
}

/// The right to change the stock of some SKUs, until this is dropped.
#[derive(Debug)]
pub struct Access(Kind);

#[derive(Debug)]
enum Kind {
    Guarded(Box<Guard>),
    /// No lock is to be had.
    Fallback,
    /// No stock is to be changed.
    Nothing,
}

/// What came of asking for a lock without waiting.
#[derive(Debug)]
pub enum Tried {
    /// It was free.
    Had(Access),
    /// Another has this SKU's, or waits for it.
    Held(String),
    /// Nothing that could be told: it has to be waited for.
    Unknown,
}

/// What a transaction does with rows of stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Reads and writes: the lock keeps others away, or nothing does.
    Blind,
    /// Reads, and writes what has no greater token and is as it was read.
    Fenced(Token),
    /// Locks rows as it reads them.
    Locked,
    /// The same, if all others do that or are fenced.
    LockedIfSafe,
}

impl Locking {
    /// Locks at these servers, by what the settings say; without a cluster by one strategy for ever. Reaches for nobody.
    ///
    /// Must be called within a runtime.
    ///
    /// # Errors
    /// A server's URL can't be used.
    pub fn new(
        config: &Config,
        settings: Settings,
        cluster: Option<Cluster>,
        holder: &str,
    ) -> Result<Self, ConfigError> {
        let prefix = cluster.as_ref().map_or("plumbline", |cluster| &cluster.config().prefix);
        let of_locks = config.of_locks(prefix, holder);
        let locks = match cluster {
            Some(cluster) => Locks::following(of_locks, settings.strategy.clone(), cluster)?,
            None => Locks::fixed(of_locks, config.strategy, None)?,
        };
        Ok(Self { locks, settings, outage: Arc::default() })
    }

    /// Takes the lock of these SKUs; of none, where a batch only confirms what is reserved.
    ///
    /// # Errors
    /// It was not to be had in time.
    pub async fn lock(
        &self,
        skus: impl IntoIterator<Item = &str>,
        parent: Option<TraceContext>,
    ) -> Result<Access, LockError> {
        let Ok(keys) = Keys::new(skus) else { return Ok(Access(Kind::Nothing)) };
        let falls_back = self.settings.when_gone.get() == WhenGone::Database;
        if falls_back && self.outage.is_on() {
            METRICS.locks.fell_back(1);
            return Ok(Access(Kind::Fallback));
        }
        let request = Request::within(self.settings.patience.get()).parent(parent);
        // On the heap: what it may have to wait for is deep.
        let taking = Box::pin(self.locks.lock(&keys, request));
        let taken = if falls_back { outage::unless(&self.locks, taking).await } else { taking.await };
        match taken {
            Ok(guard) => Ok(Access(Kind::Guarded(Box::new(guard)))),
            Err(error) if falls_back && outage::is_one(&error) => {
                tracing::warn!(%error, "no lock is to be had; rows are locked instead");
                self.outage.begins(self.locks.clone());
                METRICS.locks.fell_back(1);
                Ok(Access(Kind::Fallback))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes the lock of these SKUs if nobody has it. Of those ways to lock that say at once who is in the way.
    pub async fn try_lock(&self, skus: impl IntoIterator<Item = &str>, parent: Option<TraceContext>) -> Tried {
        let Ok(keys) = Keys::new(skus) else { return Tried::Had(Access(Kind::Nothing)) };
        let tells = matches!(self.settings.strategy.get(), Strategy::Redis | Strategy::RedisFenced);
        if !tells || self.outage.is_on() {
            return Tried::Unknown;
        }
        let request = Request::within(self.settings.patience.get()).parent(parent);
        match Box::pin(self.locks.try_lock(&keys, request)).await {
            Ok(guard) => Tried::Had(Access(Kind::Guarded(Box::new(guard)))),
            Err(LockError::Busy { at: Some(sku), .. }) => Tried::Held(sku),
            Err(_) => Tried::Unknown,
        }
    }

    /// Counts a change that was refused, and takes note of the token that was why, so that later ones are greater.
    pub fn noted<T>(&self, changed: Result<T, ChangeError>) -> Result<T, ChangeError> {
        changed.inspect_err(|error| {
            if let ChangeError::Overtaken { by: Some(token) } = error {
                self.locks.observe(*token);
            }
            METRICS.locks.refused(error);
        })
    }
}

impl Writes {
    /// What it stores rows with: [`Token::ZERO`] where it has none.
    pub(crate) fn token(self) -> Token {
        match self {
            Self::Fenced(token) => token,
            _ => Token::ZERO,
        }
    }

    /// Whether the rows are locked as they are read.
    pub(crate) fn lock_rows(self) -> bool {
        matches!(self, Self::Locked | Self::LockedIfSafe)
    }

    /// The statement that reads rows, in a few words.
    pub(crate) fn reading(self) -> &'static str {
        if self.lock_rows() { "SELECT stock FOR UPDATE" } else { "SELECT stock" }
    }

    /// Whether a row may be stored that this token has stored before.
    ///
    /// # Errors
    /// It is greater than this holder's.
    pub(crate) fn admit(self, seen: Token) -> Result<(), ChangeError> {
        match self {
            Self::Fenced(ours) if ours < seen => Err(ChangeError::Overtaken { by: Some(seen) }),
            _ => Ok(()),
        }
    }
}

impl Access {
    /// Whether it still holds, by this process's clock: to be asked right before storing.
    ///
    /// # Errors
    /// It was lost.
    pub fn check(&self) -> Result<(), Lost> {
        match &self.0 {
            Kind::Guarded(guard) => guard.check(),
            Kind::Fallback | Kind::Nothing => Ok(()),
        }
    }

    /// Whether no stock is to be changed, so that it doesn't matter what others do.
    pub(crate) fn is_of_nothing(&self) -> bool {
        matches!(self.0, Kind::Nothing)
    }

    /// What the transaction has to do.
    pub fn writes(&self) -> Writes {
        match &self.0 {
            Kind::Fallback | Kind::Nothing => Writes::LockedIfSafe,
            Kind::Guarded(guard) => match (guard.strategy(), guard.token()) {
                (_, Some(token)) => Writes::Fenced(token),
                (Strategy::Database, None) => Writes::Locked,
                (_, None) => Writes::Blind,
            },
        }
    }

    /// Tells one strategy's time in this process from the next; `None` where no strategy is known to be in force.
    pub(crate) fn term(&self) -> Option<u64> {
        match &self.0 {
            Kind::Fallback | Kind::Nothing => None,
            Kind::Guarded(guard) => Some(guard.term()),
        }
    }
}
