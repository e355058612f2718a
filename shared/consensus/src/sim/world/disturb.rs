//! What the plan does to the world.

use std::io;

use super::{World, event::Event, network::Cut};
use crate::sim::{
    plan::{Consequence, Disturbance, Moment, Whom},
    violation::Broken,
};

/// Lies in wait for a moment.
#[derive(Debug)]
pub(crate) struct Trap {
    moment: Moment,
    consequence: Consequence,
    left: u32,
    until: u64,
}

impl World {
    /// A disturbance of the plan begins.
    pub(super) fn begin(&mut self, name: usize) -> Result<(), Broken> {
        match self.plan.disturbances[name].what {
            Disturbance::Crash { whom, power, down } => {
                let host = self.whom(whom);
                return self.crash(host, self.hosts[host].life, power, down);
            }
            Disturbance::CrashAll { power, down } => {
                for host in 0..self.hosts.len() {
                    self.crash(host, self.hosts[host].life, power, down)?;
                }
            }
            Disturbance::Trap { moment, consequence, times, lasts } => {
                self.traps.push(Trap { moment, consequence, left: times, until: self.now + lasts });
            }
            Disturbance::Stall { whom, lasts } => {
                let host = self.whom(whom);
                self.hosts[host].stalled_until = self.hosts[host].stalled_until.max(self.now + lasts);
                self.report.stalls += 1;
            }
            Disturbance::Isolate { whom, lasts } => self.cut(name, Cut::Around(self.whom(whom)), lasts),
            Disturbance::Mute { whom, lasts } => self.cut(name, Cut::From(self.whom(whom)), lasts),
            Disturbance::Deafen { whom, lasts } => self.cut(name, Cut::To(self.whom(whom)), lasts),
            Disturbance::Split { side, lasts } => self.cut(name, Cut::Between(side), lasts),
            Disturbance::Storm { weather, lasts } => {
                self.network.storm(name, weather);
                self.queue.push(self.now + lasts, Event::End { name, host: None });
            }
            Disturbance::Transfer { to } => self.transfer(self.whom(to)),
            Disturbance::Grow => return self.grow(),
            Disturbance::Shrink { whom } => self.shrink(self.whom(whom)),
            disk => self.disturb_disk(name, disk),
        }
        Ok(())
    }

    fn disturb_disk(&mut self, name: usize, disturbance: Disturbance) {
        match disturbance {
            Disturbance::SlowDisk { whom, latency, lasts } => {
                let host = self.whom(whom);
                self.hosts[host].slow = Some(latency);
                self.queue.push(self.now + lasts, Event::End { name, host: Some(host) });
            }
            Disturbance::FullDisk { whom, free, lasts } => {
                let host = self.whom(whom);
                self.hosts[host].disk.set_free(Some(free));
                self.queue.push(self.now + lasts, Event::End { name, host: Some(host) });
            }
            Disturbance::FailSync { whom } => {
                self.hosts[self.whom(whom)].disk.fail_next_sync(io::ErrorKind::Other);
            }
            Disturbance::FailWrite { whom, after } => {
                self.hosts[self.whom(whom)].disk.fail_write_after(after, io::ErrorKind::Other);
            }
            _ => {}
        }
    }

    /// What began under a name ends.
    pub(super) fn end(&mut self, name: usize, host: Option<usize>) {
        self.network.mend(name);
        if let Some(host) = host {
            self.hosts[host].slow = None;
            self.hosts[host].disk.set_free(None);
        }
    }

    /// A member has come to a moment. True if it does not outlive it.
    pub(super) fn moment(&mut self, place: usize, moment: Moment) -> Result<bool, Broken> {
        let now = self.now;
        self.traps.retain(|trap| trap.left > 0 && trap.until >= now);
        let Some(trap) = self.traps.iter_mut().find(|trap| trap.moment == moment) else { return Ok(false) };
        trap.left -= 1;
        self.report.traps += 1;
        let life = self.hosts[place].life;
        match trap.consequence {
            Consequence::Crash { after: 0, down } => {
                self.crash(place, life, true, down)?;
                return Ok(true);
            }
            Consequence::Crash { after, down } => {
                self.queue.push(now + after, Event::Crash { host: place, life, power: true, down });
            }
            Consequence::Isolate { after: 0, lasts } => self.isolate(place, lasts),
            Consequence::Isolate { after, lasts } => {
                self.queue.push(now + after, Event::Isolate { host: place, lasts });
            }
        }
        Ok(false)
    }

    pub(super) fn isolate(&mut self, place: usize, lasts: u64) {
        if !self.calm {
            let name = self.name();
            self.cut(name, Cut::Around(place), lasts);
        }
    }

    fn cut(&mut self, name: usize, cut: Cut, lasts: u64) {
        self.report.partitions += 1;
        self.network.cut(name, cut);
        self.queue.push(self.now + lasts, Event::End { name, host: None });
    }

    fn whom(&self, whom: Whom) -> usize {
        match whom {
            Whom::Leader => self.leader().unwrap_or(0),
            Whom::Member(number) => {
                let present: Vec<usize> = (0..self.hosts.len()).filter(|host| !self.hosts[*host].retired).collect();
                present.get(usize::from(number) % present.len().max(1)).copied().unwrap_or(0)
            }
        }
    }

    /// Who leads, by the highest term.
    pub(super) fn leader(&self) -> Option<usize> {
        let leading = self.hosts.iter().enumerate().filter_map(|(place, host)| {
            let status = host.process.as_ref()?.node.status();
            status.is_leader.then_some((status.term, place))
        });
        leading.max().map(|(_, place)| place)
    }
}
