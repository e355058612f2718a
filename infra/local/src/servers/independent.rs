//! Redis servers that share nothing: what Redlock takes most of.

use futures::future;

use super::{Config, Server, Servers, StartError};

/// Redis servers, each with a folder and a process of its own. What they hold is gone when they end.
#[derive(Debug)]
pub struct IndependentRedis(Vec<Servers>);

impl IndependentRedis {
    /// Starts so many, on any free ports.
    ///
    /// # Errors
    /// One does not start; none is left running then.
    pub async fn start(count: usize) -> Result<Self, StartError> {
        let start = |_| Servers::start(Config::test([Server::Redis]), |_| {});
        Ok(Self(future::try_join_all((0..count).map(start)).await?))
    }

    /// Their URLs, with their passwords.
    pub fn urls(&self) -> Vec<String> {
        self.0.iter().map(|server| server.addresses().redis().url()).collect()
    }

    /// Stops them, and removes what they have written.
    pub async fn stop(self) {
        future::join_all(self.0.into_iter().map(Servers::stop)).await;
    }
}
