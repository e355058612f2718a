//! The end of a run: everything works, and so everything has to come to its end.

use super::{World, event::Event};
use crate::{
    node::Status,
    sim::{
        clock::{MILLISECOND, SECOND},
        violation::{Broken, Rule},
    },
};

/// How long it may take until all calls are answered and all members are equal: leases have to end first, and a member may
/// need a snapshot.
const PATIENCE: u64 = 30 * SECOND;

const LOOK_EVERY: u64 = 200 * MILLISECOND;

impl World {
    /// All disturbances end.
    pub(super) fn calm_down(&mut self) -> Result<(), Broken> {
        self.calm = true;
        self.network.calm_down();
        self.traps.clear();
        for place in 0..self.hosts.len() {
            let host = &mut self.hosts[place];
            host.slow = None;
            host.disk.set_free(None);
            self.start(place, self.hosts[place].life)?;
        }
        self.queue.push(self.now + LOOK_EVERY, Event::Look);
        Ok(())
    }

    /// Ends the run once nobody waits for anything.
    pub(super) fn look(&mut self) -> Result<(), Broken> {
        let Some(waits) = self.what_is_missing()? else {
            self.over = true;
            return Ok(());
        };
        if self.now > self.plan.lasts + PATIENCE {
            let detail = format!("{} s after the last disturbance: {waits}", PATIENCE / SECOND);
            return Err(Broken::new(Rule::Progress, detail));
        }
        self.queue.push(self.now + LOOK_EVERY, Event::Look);
        Ok(())
    }

    fn what_is_missing(&mut self) -> Result<Option<String>, Broken> {
        let Some(leader) = self.leader() else { return Ok(Some("nobody leads".to_owned())) };
        let Some(status) = self.status(leader) else { return Ok(Some("nobody leads".to_owned())) };
        self.only_members_run(leader)?;
        let clients = self.seats.iter().filter_map(|seat| seat.client.as_ref()?.waits_for(&self.checks));
        if let Some(waits) = clients.into_iter().next() {
            return Ok(Some(waits));
        }
        for place in 0..self.hosts.len() {
            let host = &self.hosts[place];
            let at = self.status(place).map_or(0, |status| status.applied);
            if !host.retired && (at != status.last || status.committed != status.last) {
                let Status { last, committed, .. } = status;
                return Ok(Some(format!("member {} has applied {at}, of {last} with {committed} committed", host.id)));
            }
        }
        self.compare_all(status.last)?;
        Ok(None)
    }

    /// The operator switches off who doesn't belong to the cluster, and on who does.
    fn only_members_run(&mut self, leader: usize) -> Result<(), Broken> {
        let Some(process) = &self.hosts[leader].process else { return Ok(()) };
        let members = process.store().members().clone();
        for place in 0..self.hosts.len() {
            let host = &mut self.hosts[place];
            let belongs = members.get(host.id).is_some();
            if belongs && host.retired {
                host.retired = false;
                self.start(place, self.hosts[place].life)?;
            } else if !belongs && !host.retired {
                self.retire(place)?;
            }
        }
        Ok(())
    }

    fn compare_all(&mut self, index: u64) -> Result<(), Broken> {
        for host in self.hosts.iter().filter(|host| !host.retired) {
            if let Some(process) = &host.process {
                self.checks.replicas.compare(host.id, index, process.store().hash())?;
            }
        }
        Ok(())
    }

    fn status(&self, place: usize) -> Option<Status> {
        self.hosts[place].process.as_ref().map(|process| process.node.status())
    }
}
