//! Starting a process and watching it end.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, waitid},
    },
    unistd::Pid,
};
use tokio::sync::watch;

use super::{Lifeline, Spec, tree::Stat};

/// Waits for a line, so that the program begins only after the lifeline knows it; the pipe's end means that the parent
/// has gone before.
///
/// SIGHUP is ignored (execve(2) keeps that, unless the program handles it): the kernel sends it to a process group that
/// holds stopped processes when their parent ends (setpgid(2)). A leader that died of it before the reaper came would
/// leave its descendants to nobody.
const GATE: &str = r#"trap '' HUP; read -r go && exec "$@" </dev/null"#;

/// Why a process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// Its log can't be written.
    #[error("{name}: the log {} can't be written: {source}", .log.display())]
    Log {
        /// The process.
        name: String,
        /// The log.
        log: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No process was made: the machine has no more, the folder is missing, or the user can't be taken on.
    #[error("{name} can't be started in {}: {source}", .dir.display())]
    Fork {
        /// The process.
        name: String,
        /// Where it should run.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Whatever should end it together with this process is gone.
    #[error("{name} is not started, because nothing would end it with this process: {source}")]
    Lifeline {
        /// The process.
        name: String,
        /// What the pipe to the reaper said.
        source: io::Error,
    },
}

pub(super) fn spawn(spec: &Spec, lifeline: &Lifeline) -> Result<Child, SpawnError> {
    let name = || spec.name.clone();
    let log = open(spec).map_err(|source| SpawnError::Log { name: name(), log: spec.log.clone(), source })?;
    let fork = |source| SpawnError::Fork { name: name(), dir: spec.dir.clone(), source };
    let mut child = command(spec, log).and_then(|mut command| command.spawn()).map_err(fork)?;
    match release(&mut child, spec, lifeline) {
        Ok(()) => Ok(child),
        Err(source) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(SpawnError::Lifeline { name: name(), source })
        }
    }
}

fn open(spec: &Spec) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(&spec.log)
}

fn command(spec: &Spec, log: File) -> io::Result<Command> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", GATE, &spec.name]).arg(&spec.program).args(&spec.args);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs(spec.env.iter().map(|(name, value)| (name, value)));
    command.current_dir(&spec.dir).process_group(0);
    if let Some(user) = spec.user {
        command.uid(user.uid).gid(user.gid);
    }
    command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

fn release(child: &mut Child, spec: &Spec, lifeline: &Lifeline) -> io::Result<()> {
    let stat = Stat::of(child.id() as i32).ok_or(io::ErrorKind::NotFound)?;
    lifeline.add(stat, spec.last_signal)?;
    let mut gate = child.stdin.take().expect("standard input is piped");
    gate.write_all(b"go\n")
}

/// Waits for the child's end in a thread of its own, which needs no runtime: a child outlives the runtime of the test
/// that started it.
pub(super) fn watch(mut child: Child, own: Arc<Mutex<bool>>) -> watch::Receiver<Option<ExitStatus>> {
    let (sender, receiver) = watch::channel(None);
    thread::spawn(move || {
        let pid = Pid::from_raw(child.id() as i32);
        // Without reaping, so that the number stays this child's until nobody uses it any more.
        while let Err(nix::Error::EINTR) = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {}
        let mut own = own.lock().expect("nothing panics while it holds the lock");
        // What it left in its group has lost its leader.
        let _ = killpg(pid, Signal::SIGKILL);
        let exit = child.wait().expect("a child that was never waited for can be");
        *own = false;
        drop(own);
        sender.send_replace(Some(exit));
    });
    receiver
}
