//! The operator, who changes the members.

use rand::Rng as _;

use super::{
    World,
    event::{Event, Order},
    host::{Caller, member},
};
use crate::{
    api::logpb::{MemberChange, member_change::Kind},
    sim::{clock::MILLISECOND, violation::Broken},
};

/// Voters below which the operator takes no more away.
const VOTERS: usize = 3;

/// Machines there ever are.
const MACHINES: usize = 9;

/// What an operator's call was about, packed into the number that its caller keeps.
#[derive(Clone, Copy)]
enum About {
    Joining = 0,
    Voting = 1,
    Leaving = 2,
}

impl World {
    /// A new machine joins as a learner.
    pub(super) fn grow(&mut self) -> Result<(), Broken> {
        if self.hosts.len() >= MACHINES {
            return Ok(());
        }
        let host = self.machine();
        self.start(host, 0)?;
        self.change(Kind::AddLearner, host, About::Joining);
        Ok(())
    }

    pub(super) fn shrink(&mut self, host: usize) {
        let voters = self
            .leader()
            .and_then(|leader| self.hosts[leader].process.as_ref())
            .map(|process| process.store().members().iter().filter(|member| !member.is_learner).count());
        if voters.is_some_and(|voters| voters > VOTERS) {
            self.change(Kind::Remove, host, About::Leaving);
        }
    }

    pub(super) fn transfer(&mut self, to: usize) {
        let id = self.hosts[to].id;
        if let Some(leader) = self.leader() {
            self.input(leader, self.hosts[leader].life, |process| process.node.transfer_leadership(id));
        }
    }

    pub(super) fn operate(&mut self, order: Order) -> Result<(), Broken> {
        match order {
            Order::Promote { host, tries } if tries > 0 && !self.calm => {
                self.change(Kind::Promote, host, About::Voting);
                let order = Order::Promote { host, tries: tries - 1 };
                self.queue.push(self.now + 700 * MILLISECOND, Event::Operate(order));
                Ok(())
            }
            Order::Promote { .. } => Ok(()),
            Order::Retire { host } => self.retire(host),
        }
    }

    /// A change was answered.
    pub(super) fn changed(&mut self, number: u64, done: bool) {
        let host = (number / 4) as usize;
        let soon = self.now + self.rng.random_range(300 * MILLISECOND..1_500 * MILLISECOND);
        self.report.member_changes += u64::from(done);
        match number % 4 {
            about if about == About::Joining as u64 && done => {
                self.queue.push(soon, Event::Operate(Order::Promote { host, tries: 4 }));
            }
            about if about == About::Leaving as u64 && done => {
                self.queue.push(soon, Event::Operate(Order::Retire { host }));
            }
            _ => {}
        }
    }

    /// Switches a machine off for good.
    pub(super) fn retire(&mut self, host: usize) -> Result<(), Broken> {
        self.hosts[host].retired = true;
        self.crash(host, self.hosts[host].life, false, 0)
    }

    fn change(&mut self, kind: Kind, host: usize, about: About) {
        let change =
            MemberChange { kind: kind.into(), member: Some(member(self.hosts[host].id)), ..MemberChange::default() };
        let asked = self.rng.random_range(0..self.hosts.len());
        self.input(asked, self.hosts[asked].life, |process| {
            let call = process.call(Caller::Operator(host as u64 * 4 + about as u64));
            process.node.change_members(call, change);
        });
    }
}
