//! A supervisor in a session of its own, that outlives the command which starts it.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{News, SupervisorError, signals::Signals};
use crate::{
    control::{Overview, Reply},
    home,
    options::ShopOptions,
};

/// The hidden command that the detached process runs.
pub(crate) const COMMAND: &str = "supervise";

/// No detached shop came up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DetachError {
    /// Its process can't be made, or its log can't be written.
    #[error("the supervisor can't be started: {0}")]
    Spawn(#[from] io::Error),
    /// It said why it did not come up.
    #[error("{0}")]
    Failed(String),
    /// It ended without a word.
    #[error("the supervisor ended before the shop was up; {} tells why:\n{last}", .log.display())]
    Ended {
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        last: String,
    },
    /// Told to stop meanwhile.
    #[error("stopped before the shop was up; nothing is left running")]
    Interrupted,
}

/// Starts a detached supervisor and returns when the shop is up. Its steps are told to `tell`.
pub(crate) async fn start(
    data_dir: &Path,
    options: &ShopOptions,
    mut tell: impl FnMut(local::shop::Step),
) -> Result<Overview, DetachError> {
    let mut child = spawn(data_dir, options)?;
    let mut signals = Signals::listen()?;
    let pipe = child.stdout.take().expect("standard output is piped");
    let mut lines = BufReader::new(pipe).lines();
    loop {
        let line = tokio::select! {
            line = lines.next_line() => line?,
            () = signals.stop() => {
                interrupt(&mut child).await?;
                return Err(DetachError::Interrupted);
            }
        };
        match line.as_deref().map(serde_json::from_str) {
            Some(Ok(Reply::Progress(step))) => tell(step),
            Some(Ok(Reply::Status(overview))) => return Ok(*overview),
            Some(Ok(Reply::Failed { reason })) => {
                child.wait().await?;
                return Err(DetachError::Failed(reason));
            }
            Some(Ok(Reply::Done | Reply::Replica(_)) | Err(_)) => {}
            None => {
                let log = home::supervisor_log(data_dir);
                let last = local::process::tail(&log, 10);
                return Err(DetachError::Ended { log, last });
            }
        }
    }
}

fn spawn(data_dir: &Path, options: &ShopOptions) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--data-dir").arg(data_dir).arg(COMMAND).args(options.to_arguments());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log(data_dir)?).spawn()
}

fn log(data_dir: &Path) -> io::Result<File> {
    let log = home::supervisor_log(data_dir);
    std::fs::create_dir_all(home::logs(data_dir))?;
    OpenOptions::new().create(true).append(true).mode(0o600).open(log)
}

async fn interrupt(child: &mut Child) -> io::Result<()> {
    if let Some(pid) = child.id() {
        terminate(pid);
    }
    child.wait().await.map(drop)
}

/// Tells a supervisor to stop by SIGTERM; one that has just ended needs none.
pub(crate) fn terminate(pid: u32) {
    if let Ok(pid @ 1..) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

/// What the detached process does: leaves the terminal's session, and tells its parent what happens until all is up.
pub(crate) async fn supervise(data_dir: &Path, options: &ShopOptions) -> Result<(), SupervisorError> {
    // Fails only for the leader of a process group, which is not the terminal's child then anyway.
    let _ = nix::unistd::setsid();
    let result = super::run(data_dir, options, |news| {
        write(&match news {
            News::Step(step) => Reply::Progress(step),
            News::Up(overview) => Reply::Status(overview),
        });
    });
    let result = result.await;
    if let Err(error) = &result {
        write(&Reply::Failed { reason: error.to_string() });
    }
    result
}

/// A parent that has gone, as it does when all is up, reads no more.
fn write(reply: &Reply) {
    if let Ok(line) = serde_json::to_string(reply) {
        let _ = writeln!(io::stdout().lock(), "{line}");
    }
}
