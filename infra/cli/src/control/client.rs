//! The caller's side of the control socket.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

use local::shop::Step;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time,
};

use super::{Reply, Request, socket};
use crate::supervisor::lock::{Holder, Lock};

/// The supervisor did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// No supervisor, and no sign of one.
    #[error("no shop runs on {}. Start one with `./plumbline up`, or name its folder with --data-dir.", .0.display())]
    NotRunning(PathBuf),
    /// A supervisor lives but does not listen.
    #[error("the shop on {} is just starting or stopping (process {pid}). Try again in a moment.", .folder.display())]
    NotListening {
        /// The data folder.
        folder: PathBuf,
        /// The supervisor.
        pid: u32,
    },
    /// The socket can't be used.
    #[error("the shop's supervisor can't be spoken to through {}: {source}", .folder.join(socket::NAME).display())]
    Socket {
        /// The data folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It went away without an answer.
    #[error("the shop's supervisor ended before it answered; {} tells why", .log.display())]
    Ended {
        /// The supervisor's log.
        log: PathBuf,
    },
    /// It speaks another version of the protocol.
    #[error(
        "the shop runs with another version of plumbline, whose answer can't be read: {0}. `./plumbline down` stops it."
    )]
    Unreadable(#[from] serde_json::Error),
    /// It refused.
    #[error("{0}")]
    Refused(String),
}

/// Sends a request to the supervisor of this data folder, and returns what ends its answer. Steps on the way there are
/// told to `observe`.
pub(crate) async fn ask(
    folder: &Path,
    request: &Request,
    mut observe: impl FnMut(Step),
) -> Result<Reply, ControlError> {
    let mut stream = connect(folder).await?;
    let failed = |source| ControlError::Socket { folder: folder.to_owned(), source };
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(failed)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        match serde_json::from_str(&line)? {
            Reply::Progress(step) => observe(step),
            Reply::Failed { reason } => return Err(ControlError::Refused(reason)),
            reply => return Ok(reply),
        }
    }
    Err(ControlError::Ended { log: crate::home::supervisor_log(folder) })
}

async fn connect(folder: &Path) -> Result<UnixStream, ControlError> {
    let failed = |source| ControlError::Socket { folder: folder.to_owned(), source };
    let not_running = || ControlError::NotRunning(folder.to_owned());
    let address = match socket::Address::in_folder(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(not_running()),
        address => address.map_err(failed)?,
    };
    match UnixStream::connect(address.path()).await {
        // Either there is no socket, or one that a killed supervisor has left.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            Err(match Lock::holder(folder).map_err(failed)? {
                Holder::Nobody => not_running(),
                Holder::Process(pid) => ControlError::NotListening { folder: folder.to_owned(), pid },
            })
        }
        stream => stream.map_err(failed),
    }
}

/// Waits until no process holds the data folder; `false` if one still does after `bound`.
pub(crate) async fn wait_until_gone(folder: &Path, bound: Duration) -> bool {
    let gone = async {
        while !matches!(Lock::holder(folder), Ok(Holder::Nobody)) {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    time::timeout(bound, gone).await.is_ok()
}
