//! Where requests go: this machine only.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    str::FromStr,
    sync::Arc,
};

use hyper::{Uri, header::HeaderValue};

/// A base URL that load can't be sent to.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not `http://HOST[:PORT]`.
    #[error("{url:?} is no base URL such as http://127.0.0.1:8081")]
    Malformed {
        /// What was given.
        url: String,
    },
    /// Another scheme than `http`.
    #[error("{url:?}: only http:// is spoken")]
    Scheme {
        /// What was given.
        url: String,
    },
    /// The host's name leads nowhere.
    #[error("{url:?}: cannot resolve the host: {source}")]
    Unresolved {
        /// What was given.
        url: String,
        /// Why.
        source: std::io::Error,
    },
    /// The host is another machine.
    #[error("{url:?} leads to {address}, which is not this machine: load is sent to loopback addresses only")]
    NotLoopback {
        /// What was given.
        url: String,
        /// Where it leads.
        address: SocketAddr,
    },
    /// No base URL at all.
    #[error("at least one base URL is needed")]
    None,
}

/// A service's base URL on a loopback address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    address: SocketAddr,
    host: HeaderValue,
}

impl Target {
    /// The address behind it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `Host` header's value.
    pub(super) fn host(&self) -> &HeaderValue {
        &self.host
    }
}

impl FromStr for Target {
    type Err = TargetError;

    /// Parses `http://HOST[:PORT]`; a name is resolved, and every address it has must be a loopback address.
    fn from_str(url: &str) -> Result<Self, TargetError> {
        let malformed = || TargetError::Malformed { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| malformed())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some(_) => return Err(TargetError::Scheme { url: url.to_owned() }),
            None => return Err(malformed()),
        }
        let authority = uri.authority().filter(|_| matches!(uri.path(), "" | "/") && uri.query().is_none());
        let authority = authority.ok_or_else(malformed)?;
        if authority.as_str().contains('@') {
            return Err(malformed());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let addresses: Vec<SocketAddr> = (host, authority.port_u16().unwrap_or(80))
            .to_socket_addrs()
            .map_err(|source| TargetError::Unresolved { url: url.to_owned(), source })?
            .collect();
        if let Some(&address) = addresses.iter().find(|address| !address.ip().is_loopback()) {
            return Err(TargetError::NotLoopback { url: url.to_owned(), address });
        }
        // The services listen on IPv4 unless told otherwise.
        let address = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first()).ok_or_else(malformed)?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| malformed())?;
        Ok(Self { address: *address, host })
    }
}

/// The instances of one service; at least one.
#[derive(Debug, Clone)]
pub struct Targets(Arc<[Target]>);

impl Targets {
    /// Parses base URLs.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn parse<S: AsRef<str>>(urls: impl IntoIterator<Item = S>) -> Result<Self, TargetError> {
        let targets = urls.into_iter().map(|url| url.as_ref().parse()).collect::<Result<Vec<Target>, _>>()?;
        if targets.is_empty() { Err(TargetError::None) } else { Ok(Self(targets.into())) }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Target> {
        self.0.iter()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The `n`th, counted on round the end.
    pub(crate) fn nth(&self, n: usize) -> &Target {
        &self.0[n % self.0.len()]
    }

    /// The `n`th alone.
    pub(crate) fn only(&self, n: usize) -> Self {
        Self(Arc::from([self.nth(n).clone()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_and_names_are_taken() {
        for (url, address) in [
            ("http://127.0.0.1:8081", "127.0.0.1:8081"),
            ("http://127.0.0.2:8081/", "127.0.0.2:8081"),
            ("http://[::1]:8081", "[::1]:8081"),
            ("http://localhost:8081", "127.0.0.1:8081"),
        ] {
            assert_eq!(url.parse::<Target>().unwrap().address().to_string(), address, "{url}");
        }
    }

    #[test]
    fn any_other_machine_is_refused() {
        for url in ["http://192.0.2.1:8081", "http://0.0.0.0:8081", "http://8.8.8.8", "http://[2001:db8::1]:80"] {
            let error = url.parse::<Target>().unwrap_err();
            assert!(matches!(error, TargetError::NotLoopback { .. }), "{url}: {error}");
            assert!(error.to_string().contains("loopback"), "{error}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for url in ["", "127.0.0.1:8081", "http://127.0.0.1/orders", "http://127.0.0.1/?a=b", "http://a@127.0.0.1"] {
            assert!(matches!(url.parse::<Target>(), Err(TargetError::Malformed { .. })), "{url}");
        }
        assert!(matches!("https://127.0.0.1".parse::<Target>(), Err(TargetError::Scheme { .. })));
        assert!(matches!(Targets::parse([""; 0]), Err(TargetError::None)));
    }
}
