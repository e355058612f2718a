//! The addresses members advertise and listen at, as etcd writes them: `http://host:port`.

use std::{fmt, str::FromStr};

/// An address for clients or peers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Url {
    /// Whether it is reached over TLS (`https`).
    pub secure: bool,
    /// A name or an address, without the brackets of IPv6.
    pub host: String,
    /// The port.
    pub port: u16,
    /// As it was written.
    text: String,
}

/// Why a text is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It starts with something else.
    #[error("URL scheme must be http or https: {0}")]
    Scheme(String),
    /// There is no port, or it is none.
    #[error("URL address does not have the form \"host:port\": {0}")]
    Address(String),
    /// There is something behind the port.
    #[error("URL must not contain a path: {0}")]
    Path(String),
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://").ok_or_else(|| UrlError::Scheme(text.to_owned()))?;
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(UrlError::Scheme(text.to_owned())),
        };
        let address = rest.strip_suffix('/').unwrap_or(rest);
        if address.contains(['/', '?', '#']) {
            return Err(UrlError::Path(text.to_owned()));
        }
        let malformed = || UrlError::Address(text.to_owned());
        let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
        let host = match host.strip_prefix('[') {
            Some(bracketed) => bracketed.strip_suffix(']').ok_or_else(malformed)?,
            None if host.contains(':') => return Err(malformed()),
            None => host,
        };
        let port = port.parse().map_err(|_| malformed())?;
        let text = text.strip_suffix('/').unwrap_or(text).to_owned();
        Ok(Self { secure, host: host.to_owned(), port, text })
    }
}

impl Url {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads several, with commas between them.
    ///
    /// # Errors
    /// The first fault.
    pub fn list(text: &str) -> Result<Vec<Self>, UrlError> {
        text.split(',').filter(|part| !part.trim().is_empty()).map(str::parse).collect()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_etcd_reads() {
        let url: Url = "http://localhost:2380".parse().unwrap();
        assert_eq!((url.secure, url.host.as_str(), url.port), (false, "localhost", 2380));
        let url: Url = "https://[::1]:12379/".parse().unwrap();
        assert_eq!((url.secure, url.host.as_str(), url.port), (true, "::1", 12379));
        assert_eq!(url.as_str(), "https://[::1]:12379");
        assert_eq!(Url::list("http://a:1,http://b:2").unwrap().len(), 2);
    }

    #[test]
    fn refuses_the_rest() {
        for wrong in ["localhost:2380", "ftp://a:1", "http://a", "http://a:port", "http://a:1/path", "http://::1:1"] {
            assert!(wrong.parse::<Url>().is_err(), "{wrong}");
        }
    }
}
