//! The supervisor's side of the control socket.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

use super::{Reply, Request, socket::Address};

/// The longest request, in bytes: none is nearly as long.
const LONGEST_REQUEST: u64 = 4 * 1024;

/// Listens for callers; the socket is removed when it is dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    address: Address,
    listener: UnixListener,
}

impl Listener {
    /// Listens in the data folder, whose lock the caller holds: a socket that is there was left by a killed supervisor.
    pub(crate) fn bind(folder: &Path) -> io::Result<Self> {
        let address = Address::in_folder(folder)?;
        match fs::remove_file(address.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(address.path())?;
        fs::set_permissions(address.path(), fs::Permissions::from_mode(0o600))?;
        Ok(Self { address, listener })
    }

    /// The next caller.
    pub(crate) async fn accept(&self) -> io::Result<Call> {
        let (stream, _) = self.listener.accept().await?;
        Ok(Call { stream: BufReader::new(stream) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A folder that was removed meanwhile has no socket to remove.
        let _ = fs::remove_file(self.address.path());
    }
}

/// A caller.
#[derive(Debug)]
pub(crate) struct Call {
    stream: BufReader<UnixStream>,
}

impl Call {
    /// What the caller asks for, or what is wrong with it.
    pub(crate) async fn request(&mut self) -> io::Result<Request> {
        let mut line = String::new();
        tokio::io::AsyncReadExt::take(&mut self.stream, LONGEST_REQUEST).read_line(&mut line).await?;
        serde_json::from_str(&line).map_err(io::Error::from)
    }

    /// Answers. That the caller has gone is an error here and no reason to do less.
    pub(crate) async fn reply(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.stream.write_all(&line).await
    }
}
