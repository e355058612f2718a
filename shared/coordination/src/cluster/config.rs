//! What a cluster is reached by.

use std::time::Duration;

/// How the coordinators are reached, and how patient to be with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The coordinators' client addresses, each `http://host:port`.
    pub endpoints: Vec<String>,
    /// What every key begins with: no `/` at the end. Shops with different prefixes share nothing.
    pub prefix: String,
    /// How long one attempt on one coordinator may take.
    pub request_timeout: Duration,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// How long an operation is tried in all, on whichever coordinator.
    pub patience: Duration,
}

impl Config {
    /// These endpoints and keys, with 1 s for an attempt, 0.5 s for a connection and 5 s for an operation.
    pub fn new(endpoints: impl IntoIterator<Item = impl Into<String>>, prefix: impl Into<String>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            prefix: prefix.into(),
            request_timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_millis(500),
            patience: Duration::from_secs(5),
        }
    }

    /// Whether a cluster can be reached so; [`Cluster::new`](crate::Cluster::new) asks too.
    ///
    /// # Errors
    /// An endpoint is no address, there is none, or the prefix can't stand before keys.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.endpoints.is_empty() {
            return Err(ConfigError::NoEndpoint);
        }
        if let Some(wrong) = self.endpoints.iter().find(|endpoint| !is_address(endpoint)) {
            return Err(ConfigError::Endpoint(wrong.clone()));
        }
        if self.prefix.is_empty() || self.prefix.ends_with('/') {
            return Err(ConfigError::Prefix(self.prefix.clone()));
        }
        Ok(())
    }
}

fn is_address(endpoint: &str) -> bool {
    let Some((host, port)) = endpoint.strip_prefix("http://").and_then(|address| address.rsplit_once(':')) else {
        return false;
    };
    !host.is_empty() && !host.contains(['/', '@', ' ']) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// A configuration that no cluster can be reached by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// There is nobody to ask.
    #[error("no coordinator is named")]
    NoEndpoint,
    /// An endpoint is no address.
    #[error("{0:?} is no coordinator's address: http://host:port")]
    Endpoint(String),
    /// The prefix is empty or ends with `/`.
    #[error("{0:?} can't stand before keys: it takes a text that does not end with /")]
    Prefix(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_addresses_with_a_port() {
        for good in ["http://127.0.0.1:2379", "http://coordinator-1:2379", "http://[::1]:2379"] {
            assert_eq!(Config::new([good], "shop").check(), Ok(()), "{good}");
        }
        for bad in
            ["", "127.0.0.1:2379", "https://a:1", "http://a", "http://:1", "http://a:0", "http://a:1/", "http://a/b:1"]
        {
            assert_eq!(Config::new([bad], "shop").check(), Err(ConfigError::Endpoint(bad.to_owned())));
        }
        assert_eq!(Config::new([""; 0], "shop").check(), Err(ConfigError::NoEndpoint));
        assert_eq!(Config::new(["http://a:1"], "shop/").check(), Err(ConfigError::Prefix("shop/".to_owned())));
    }
}
