//! One Redis server.

mod connection;
mod fence;
mod line;
mod listing;
mod scripts;
mod unanswered;
mod wakes;

use std::{sync::Arc, time::Duration};

use ::redis::RedisError;

pub use self::fence::EpochError;
use self::{
    connection::{Connection, Run},
    fence::Fence,
    scripts::{Call, SCRIPTS},
    unanswered::Unanswered,
    wakes::Wakes,
};
pub(crate) use self::{
    fence::EPOCHS,
    line::{Place, REFRESH},
    listing::Listed,
    scripts::Outcome,
    wakes::Listener,
};
use crate::{ConfigError, Keys, Token};

/// What the names of locked keys begin with, behind the prefix.
const KEYS: &str = "key:";

/// Who holds a lock: the number of a process, and one of its own for every taking, both random. Where the process listens
/// follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    process: u64,
    taking: u64,
}

impl Owner {
    fn text(self) -> String {
        format!("{:016x}{:016x}", self.process, self.taking)
    }

    fn parse(text: &str) -> Option<Self> {
        let (process, taking) = text.split_at_checked(16)?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some(Self { process: number(process)?, taking: number(taking)? })
    }
}

/// Who wants keys, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) owner: Owner,
    /// What people know it by.
    pub(crate) holder: Arc<str>,
    pub(crate) ttl: Duration,
    /// Its place in line; `None` where it does not wait.
    pub(crate) place: Option<Place>,
}

/// A Redis server, which is reached for at the first command and again after its connection broke. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Server(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: String,
    connection: Connection,
    prefix: String,
    fence: Fence,
    wakes: Wakes,
}

/// A command that came to nothing. It may have been carried out.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// No answer in time.
    #[error("Redis gave no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection, or the server.
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
    /// It answers something that it never should.
    #[error("Redis answers {0}")]
    Answer(String),
}

impl ServerError {
    /// Whether there was no answer in time, on a connection that may still lead to the server.
    fn is_silence(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Redis(error) => error.is_timeout(),
            Self::Answer(_) => false,
        }
    }
}

impl Server {
    /// A server that is not yet reached for; `patience` is how long a command may take.
    pub(crate) fn new(url: &str, prefix: &str, patience: Duration) -> Result<Self, ConfigError> {
        let client = ::redis::Client::open(url).map_err(|source| ConfigError::Url { reason: source.to_string() })?;
        let address = client.get_connection_info().addr().to_string();
        let wakes = Wakes::new(client.clone(), prefix);
        let connection = Connection::new(client, patience);
        Ok(Self(Arc::new(Inner { address, connection, prefix: prefix.to_owned(), fence: Fence::default(), wakes })))
    }

    /// Whoever takes something next here.
    pub(crate) fn fresh_owner(&self) -> Owner {
        Owner { process: self.0.wakes.process(), taking: rand::random() }
    }

    /// Listens from now on for whether it is this one's turn.
    pub(crate) fn listen(&self, owner: Owner) -> Listener {
        self.0.wakes.listen(owner)
    }

    /// Takes all keys or none, without a token.
    pub(crate) async fn take(&self, keys: &Keys, claim: &Claim) -> Result<Outcome, ServerError> {
        let taking = SCRIPTS.take(&self.0.prefix, self.fence_and(keys), claim, None);
        self.take_on(&self.0.connection.run_id().await?, keys, claim.owner, &taking).await
    }

    /// Takes all keys or none, with a token above all that this process knows of; [`Outcome::Unfenced`] where the server has
    /// no epoch that can give one.
    pub(crate) async fn take_fenced(&self, keys: &Keys, claim: &Claim) -> Result<Outcome, ServerError> {
        let least = self.0.fence.floor();
        let run = self.0.connection.run_id().await?;
        if !self.0.fence.admits(&run) {
            return Ok(Outcome::Unfenced);
        }
        let taking = SCRIPTS.take(&self.0.prefix, self.fence_and(keys), claim, Some((&run, least)));
        let outcome = self.take_on(&run, keys, claim.owner, &taking).await?;
        if let Outcome::Taken(token) = outcome {
            self.observe(token);
        }
        Ok(outcome)
    }

    async fn take_on(&self, run: &Run, keys: &Keys, owner: Owner, taking: &Call<'_>) -> Result<Outcome, ServerError> {
        let unanswered = Unanswered::new(self, run, keys, owner);
        let answer: Result<Vec<String>, ServerError> = self.0.connection.run_on(run, taking).await;
        if !matches!(&answer, Err(error) if error.is_silence()) {
            unanswered.disarm();
        }
        Outcome::parse(&answer?)
    }

    /// From now on the server gives greater tokens than this to this process.
    pub(crate) fn observe(&self, token: Token) {
        self.0.fence.raise(token);
    }

    /// Gives keys more time; whether the owner has all of them.
    pub(crate) async fn extend(&self, keys: &Keys, owner: Owner, ttl: Duration) -> Result<bool, ServerError> {
        let extended: u32 = self.0.connection.run(&SCRIPTS.extend(self.names(keys), owner, ttl)).await?;
        Ok(extended == 1)
    }

    /// Gives keys back, and the places in their lines; how many the owner still had.
    pub(crate) async fn release(&self, keys: &Keys, owner: Owner) -> Result<usize, ServerError> {
        self.0.connection.run(&SCRIPTS.release(&self.0.prefix, self.names(keys), owner)).await
    }

    /// Where it is, without a password.
    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    fn fence_key(&self) -> String {
        format!("{}fence", self.0.prefix)
    }

    fn fence_and(&self, keys: &Keys) -> Vec<String> {
        let mut names = self.names(keys);
        names.insert(0, self.fence_key());
        names
    }

    fn names(&self, keys: &Keys) -> Vec<String> {
        keys.iter().map(|key| format!("{}{KEYS}{key}", self.0.prefix)).collect()
    }
}
