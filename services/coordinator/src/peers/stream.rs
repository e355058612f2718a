//! Connections to other members, with TLS where the address asks for it.

use std::{io, sync::Arc, time::Duration};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::urls::Url;

/// How long opening a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// Both directions of a connection.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

pub(super) type Stream = Box<dyn Duplex>;

/// How members prove to each other who they are.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    acceptor: Option<TlsAcceptor>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("accepts", &self.acceptor.is_some()).finish_non_exhaustive()
    }
}

impl Tls {
    /// With these settings for outgoing connections, and for incoming ones.
    #[must_use]
    pub fn new(client: Arc<rustls::ClientConfig>, server: Option<Arc<rustls::ServerConfig>>) -> Self {
        Self { connector: client.into(), acceptor: server.map(Into::into) }
    }
}

/// Why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("{0}")]
    Address(#[from] crate::urls::UrlError),
    #[error("no connection within {CONNECT:?}")]
    Timeout,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the address asks for TLS, and no certificates for peers are given (--peer-trusted-ca-file)")]
    NoTls,
    #[error("{0} is no name that a certificate could have")]
    Name(String),
}

pub(super) async fn connect(url: &str, tls: Option<&Tls>) -> Result<Stream, ConnectError> {
    let url: Url = url.parse()?;
    tokio::time::timeout(CONNECT, open(&url, tls)).await.map_err(|_| ConnectError::Timeout)?
}

async fn open(url: &Url, tls: Option<&Tls>) -> Result<Stream, ConnectError> {
    let stream = TcpStream::connect((url.host.as_str(), url.port)).await?;
    stream.set_nodelay(true)?;
    if !url.secure {
        return Ok(Box::new(stream));
    }
    let tls = tls.ok_or(ConnectError::NoTls)?;
    let name = ServerName::try_from(url.host.clone()).map_err(|_| ConnectError::Name(url.host.clone()))?;
    Ok(Box::new(tls.connector.connect(name, stream).await?))
}

pub(super) async fn accept(stream: TcpStream, tls: Option<&TlsAcceptor>) -> io::Result<Stream> {
    stream.set_nodelay(true)?;
    match tls {
        Some(acceptor) => Ok(Box::new(acceptor.accept(stream).await?)),
        None => Ok(Box::new(stream)),
    }
}

impl Tls {
    pub(super) fn acceptor(&self) -> Option<&TlsAcceptor> {
        self.acceptor.as_ref()
    }
}
