//! memcached.

use std::{io, path::PathBuf};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{config::Server, handles, site::Site};
use crate::{ports::Lease, process::Spec};

/// A memcached to start.
#[derive(Debug)]
pub(super) struct Memcached {
    pub(super) program: PathBuf,
    pub(super) port: Lease,
}

impl Memcached {
    /// 64 MB, no UDP.
    pub(super) fn spec(&self, site: &Site) -> Spec {
        let port = self.port.port().to_string();
        let args = ["-l", "127.0.0.1", "-p", &port, "-U", "0", "-m", "64"].map(String::from).to_vec();
        let spec = Spec::new(Server::Memcached.name(), &self.program, site.log(Server::Memcached));
        Spec { args, dir: site.of(Server::Memcached), user: site.user, ..spec }
    }

    pub(super) fn handle(&self) -> handles::Memcached {
        handles::Memcached::new(self.port.address())
    }

    /// Whether it answers `version`.
    pub(super) async fn answers(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.port.address()).await?;
        stream.write_all(b"version\r\nquit\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        if answer.starts_with("VERSION ") { Ok(()) } else { Err(io::Error::other(answer)) }
    }
}
