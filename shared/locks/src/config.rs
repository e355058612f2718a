//! What locks are taken with.

use std::time::Duration;

/// The shortest time to live: below it, a round trip and a scheduler's pause are too much of it.
const SHORTEST: Duration = Duration::from_millis(50);

/// Where locks are, and how long they last without their holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The Redis server of [`Strategy::Redis`](crate::Strategy) and `RedisFenced`: `redis://[:password@]host:port/0`.
    pub redis: String,
    /// Those of `Redlock`, which share nothing: three or five. None where it is not used.
    pub redlock: Vec<String>,
    /// What all keys in Redis, and the channel of releases, begin with.
    pub prefix: String,
    /// Who takes locks here, for whoever asks [who holds what](crate::inspect): an instance's name.
    pub holder: String,
    /// How long a lock outlives a holder that died. Its holder takes more time at every third of it.
    pub ttl: Duration,
    /// How long a command may take, also opening a connection.
    pub patience: Duration,
    /// The same for each of Redlock's servers: far less than the time to live, as they are waited for.
    pub redlock_patience: Duration,
    /// The lease on which a process says which strategy it uses: one that dies delays a switch by this, and one that
    /// reaches no coordinator for this long takes no locks until it does. Not used where the strategy is fixed.
    pub membership: Duration,
}

/// A configuration that no lock can be taken with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A server's address, which may hold a password and is therefore not shown.
    #[error("a Redis server's URL can't be used: {reason}")]
    Url {
        /// Why.
        reason: String,
    },
    /// Locks would end while they are being taken.
    #[error("locks live {0:?}, and need {SHORTEST:?} at least")]
    Ttl(Duration),
}

impl Config {
    /// One server, keys that begin with `plumbline:locks:`, held by the number of the process, 10 s to live, 1 s for a command, 30 s for a membership.
    pub fn new(redis: impl Into<String>) -> Self {
        Self {
            redis: redis.into(),
            redlock: Vec::new(),
            prefix: "plumbline:locks:".to_owned(),
            holder: std::process::id().to_string(),
            ttl: Duration::from_secs(10),
            patience: Duration::from_secs(1),
            redlock_patience: Duration::from_millis(100),
            membership: Duration::from_secs(30),
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.ttl < SHORTEST { Err(ConfigError::Ttl(self.ttl)) } else { Ok(()) }
    }
}

/// How much of a lock's time its holder uses: a tenth is left for clocks that do not run alike, and for those who have to
/// stop when it is over.
pub(crate) fn usable(ttl: Duration) -> Duration {
    ttl - ttl / 10
}
