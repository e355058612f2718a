//! What makes children end with their parent, in whatever way it ends.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::Mutex,
};

use nix::sys::signal::Signal;

use super::tree::Stat;

const REAPER: &str = include_str!("lifeline.sh");

/// The reaper of a [`Lifeline`] could not be started.
#[derive(Debug, thiserror::Error)]
#[error("/bin/sh, which ends the servers should this process be killed, does not start: {0}")]
pub struct LifelineError(#[from] io::Error);

/// What happens besides killing when a [`Lifeline`] ends.
#[derive(Debug, Default)]
pub struct Ending {
    /// A folder to remove with all that is in it, after the last process is gone.
    pub remove: Option<PathBuf>,
    /// A file to hold open until all is done: a lock (flock(2)) on it is then held for as long.
    pub hold: Option<File>,
}

/// Processes spawned on a lifeline do not outlive it, and it does not outlive the process that holds it: on drop, on a
/// panic, on Ctrl-C and on SIGKILL they are killed with all their descendants.
///
/// A small shell, in a process group of its own so that no terminal reaches it, reads a pipe of which this process holds
/// the only writing end. The kernel closes that end however this process ends. `PR_SET_PDEATHSIG` would not do: it fires
/// when the *thread* ends that spawned the child, and it does not reach grandchildren.
#[derive(Debug)]
pub struct Lifeline {
    reaper: Child,
    pipe: Mutex<Option<ChildStdin>>,
}

impl Lifeline {
    /// Starts a lifeline without processes.
    pub fn start(ending: Ending) -> Result<Self, LifelineError> {
        let mut command = Command::new("/bin/sh");
        command.args([OsStr::new("-c"), OsStr::new(REAPER), OsStr::new("plumbline-reaper")]).args(ending.remove);
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        // Inherited as standard output, which the script never writes to.
        command.stdout(ending.hold.map_or_else(Stdio::null, Stdio::from));
        let mut reaper = command.current_dir("/").process_group(0).spawn()?;
        let pipe = Mutex::new(reaper.stdin.take());
        Ok(Self { reaper, pipe })
    }

    /// Adds a process. From here on it ends with the lifeline: by `last_signal` if it has one, else by SIGKILL.
    pub(super) fn add(&self, process: Stat, last_signal: Option<Signal>) -> io::Result<()> {
        let mut pipe = self.pipe.lock().expect("nothing panics while it holds the pipe");
        let pipe = pipe.as_mut().expect("the pipe is taken only by drop");
        // One write shorter than PIPE_BUF: never torn, whatever happens to this process meanwhile.
        let signal = last_signal.map_or(String::new(), |signal| (signal as i32).to_string());
        pipe.write_all(format!("{} {} {signal}\n", process.pid, process.start).as_bytes())
    }
}

impl Drop for Lifeline {
    /// Ends all processes and waits until they are gone, and the folder with them; at most about 8 s.
    fn drop(&mut self) {
        if let Ok(mut pipe) = self.pipe.lock() {
            pipe.take();
        }
        let _ = self.reaper.wait();
    }
}
