//! Redis.

use std::{io, path::PathBuf};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{config::Server, handles, site::Site};
use crate::{folder, ports::Lease, process::Spec, secrets::Secrets};

/// A Redis to start.
#[derive(Debug)]
pub(super) struct Redis {
    pub(super) program: PathBuf,
    pub(super) port: Lease,
    pub(super) secrets: Secrets,
    pub(super) durable: bool,
}

impl Redis {
    pub(super) fn prepare(&self, site: &Site) -> io::Result<()> {
        folder::write(&site.of(Server::Redis).join("redis.conf"), &self.settings(), 0o600, site.user)
    }

    fn settings(&self) -> String {
        let append = if self.durable { "yes" } else { "no" };
        format!(
            "bind 127.0.0.1
port {port}
requirepass {password}
daemonize no

# What is acknowledged is on disk within a second (durable), or never.
save \"\"
appendonly {append}
appendfsync everysec
",
            port = self.port.port(),
            password = self.handle().password(),
        )
    }

    pub(super) fn spec(&self, site: &Site) -> Spec {
        let dir = site.of(Server::Redis);
        let args = vec![dir.join("redis.conf").display().to_string()];
        let spec = Spec::new(Server::Redis.name(), &self.program, site.log(Server::Redis));
        Spec { args, dir, user: site.user, ..spec }
    }

    pub(super) fn handle(&self) -> handles::Redis {
        handles::Redis::new(self.port.address(), self.secrets.clone())
    }

    /// Whether it answers a PING, which it does once its data are loaded.
    pub(super) async fn answers(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.port.address()).await?;
        stream.write_all(format!("AUTH {}\r\nPING\r\nQUIT\r\n", self.handle().password()).as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        if answer.contains("+PONG") { Ok(()) } else { Err(io::Error::other(answer.replace("\r\n", " "))) }
    }
}
