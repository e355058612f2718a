//! A private cluster of coordinators, which hold what services share: any server that takes etcd's flags.

mod config;
mod error;
mod member;

use std::{
    path::PathBuf,
    process::ExitStatus,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future;

#[cfg(test)]
pub(crate) use self::member::fixed_ports;
pub(crate) use self::{
    config::program,
    member::{HEALTH, Member},
};
pub use self::{
    config::{Config, PROGRAM, VARIABLE},
    error::{NoProgram, StartError},
};
use crate::{
    process::Process,
    servers::{ready, site::Site},
};

/// How long a coordinator may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(10);
/// How long a member may take to be healthy: on a loaded machine, or when it has to be brought up to date.
const BOUND: Duration = Duration::from_secs(60);

/// A running cluster. Members are numbered from 0.
///
/// Dropped, or when this process ends in whatever way, its processes are killed, and a temporary folder is removed.
///
/// # Panics
/// Every method that takes a member's number panics when there is no such member.
#[derive(Debug)]
pub struct Coordinators {
    // In this order, so that processes end before the site does, which waits for it.
    members: Vec<Running>,
    site: Site,
}

/// A member with its process, or the last one it had.
#[derive(Debug)]
struct Running {
    member: Member,
    process: Mutex<Arc<Process>>,
}

impl Coordinators {
    /// Starts a cluster, all members at once, and returns when each is healthy: there is a leader, and it follows it.
    ///
    /// # Errors
    /// A port is in use, the folder can't be used, or a member fails; nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let site = Site::take(&config.data, None)?;
        let start = |member| Running::start(member, &site);
        let members = Member::all(&config, &site)?.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
        let coordinators = Self { members, site };
        future::try_join_all(coordinators.members.iter().map(Running::healthy)).await?;
        Ok(coordinators)
    }

    /// How many members it was started with.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// Where clients reach each member: `http://127.0.0.1:port`.
    pub fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|running| running.member.endpoint()).collect()
    }

    /// The log file of a member.
    pub fn log(&self, member: usize) -> PathBuf {
        self.members[member].member.log().to_owned()
    }

    /// Kills (SIGKILL) a member, as a crash would; returns when it is gone.
    pub async fn kill(&self, member: usize) {
        let process = self.members[member].process();
        process.kill();
        process.wait_exit().await;
    }

    /// Stops (SIGSTOP) a member where it stands: connections stay open, nothing is answered.
    pub fn pause(&self, member: usize) {
        self.members[member].process().pause();
    }

    /// Lets a paused member run on.
    pub fn resume(&self, member: usize) {
        self.members[member].process().resume();
    }

    /// Starts a member again, on the same data and ports; stops it first if it runs. Returns when it is healthy.
    ///
    /// # Errors
    /// It fails, or most of the others are down.
    pub async fn restart(&self, member: usize) -> Result<(), StartError> {
        self.start_again(member).await?;
        self.healthy(member).await
    }

    /// The same without waiting until it is healthy: for starting several of which one alone can't be.
    ///
    /// # Errors
    /// Its process can't be made.
    pub async fn start_again(&self, member: usize) -> Result<(), StartError> {
        let member = &self.members[member];
        member.process().stop(STOP).await;
        member.spawn(&self.site)
    }

    /// Waits until a member is healthy.
    ///
    /// # Errors
    /// It ended, or is not within a minute.
    pub async fn healthy(&self, member: usize) -> Result<(), StartError> {
        self.members[member].healthy().await
    }

    /// How a member ended; `None` while it runs, or is paused.
    pub fn exit(&self, member: usize) -> Option<ExitStatus> {
        self.members[member].process().exit()
    }

    /// Stops all members and removes a temporary folder.
    pub async fn stop(self) {
        for member in &self.members {
            // One by one: a leader hands over before it goes, and waits in vain for one that goes at the same time.
            member.process().stop(STOP).await;
        }
    }
}

impl Running {
    fn start(member: Member, site: &Site) -> Result<Self, StartError> {
        let process = Mutex::new(Arc::new(Process::spawn(member.spec(), &site.lifeline)?));
        Ok(Self { member, process })
    }

    fn process(&self) -> Arc<Process> {
        Arc::clone(&self.process.lock().expect("nothing panics while it holds the lock"))
    }

    /// Starts its process again; the one before has ended.
    fn spawn(&self, site: &Site) -> Result<(), StartError> {
        let process = Arc::new(Process::spawn(self.member.spec(), &site.lifeline)?);
        *self.process.lock().expect("nothing panics while it holds the lock") = process;
        Ok(())
    }

    async fn healthy(&self) -> Result<(), StartError> {
        Ok(ready::wait(&self.process(), BOUND, || self.member.answers()).await?)
    }
}
