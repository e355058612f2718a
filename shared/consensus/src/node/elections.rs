//! When a member campaigns, and who leads.
//!
//! A follower that hears nothing of its leader asks for votes after an election timeout, or half as long again at most
//! (dissertation, section 3.4). Two that ask at once may split the votes. Neither then waits for all that time again:
//! what it would wait for, a leader, is known not to be there. It asks again after one to three heartbeats, and after
//! twice that each time, until it comes to the usual time; so a cluster with slow messages still gets its leader. That
//! it asks early deposes nobody: whoever hears of a leader refuses it by a clock of its own (section 6.2), and before
//! that its term stays as it is (section 9.6).

use raft::{
    StateRole,
    eraftpb::{Message, MessageType},
};
use rand::Rng as _;

use super::{Node, read};

/// Who leads, and when this member wants to.
pub(super) struct Elections {
    role: Role,
    /// Ticks without a leader after which this member campaigns.
    timeout: usize,
    /// How often it has, since a leader was known.
    campaigns: u32,
    /// A leader that goes wants this member in its place.
    pub(super) asked_to_lead: Option<Message>,
    /// This member's leader was removed.
    bereft: Option<Bereft>,
}

/// Of a member whose leader is none any more.
#[derive(Clone, Copy, Debug)]
struct Bereft {
    /// The term that has no leader now, and who led it.
    term: u64,
    leader: u64,
    /// Ticks until this member takes over, unless another has.
    ticks: usize,
}

/// What raft's timers depend on: a new one draws a new election timeout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Role {
    term: u64,
    leader: u64,
    is_leader: bool,
}

impl Elections {
    pub(super) fn new(shortest: usize) -> Self {
        Self { role: Role::default(), timeout: shortest, campaigns: 0, asked_to_lead: None, bereft: None }
    }

    /// The term this member leads, as far as it has looked.
    pub(super) fn led_term(&self) -> Option<u64> {
        self.role.is_leader.then_some(self.role.term)
    }
}

impl Node {
    /// Hands the leadership to another voter, which must be up to date; nothing happens on a member that doesn't lead.
    pub fn transfer_leadership(&mut self, to: u64) {
        self.raw.transfer_leader(to);
    }

    /// Hands the leadership to the voter that is furthest, if this member leads and there is another.
    pub fn resign(&mut self) {
        if let Some(to) = self.successor() {
            self.transfer_leadership(to);
        }
    }

    /// Of the other voters, who is there and furthest, as the leader sees it.
    pub(super) fn successor(&self) -> Option<u64> {
        let (raft, own) = (&self.raw.raft, self.config.id);
        let voters = raft.prs().conf().voters();
        let others = raft.prs().iter().filter(|(id, _)| **id != own && voters.contains(**id));
        let furthest = others.max_by_key(|(id, progress)| (progress.recent_active, progress.matched, **id));
        furthest.filter(|_| raft.state == StateRole::Leader).map(|(id, _)| *id)
    }

    /// A member that has applied its leader's removal knows that nobody leads, and need not find out by waiting. The first of
    /// the voters takes over at once; those behind it, in their order, a heartbeat later each, as one that comes before
    /// may not have learnt of the removal.
    pub(super) fn replace_removed_leader(&mut self) {
        let (raft, own) = (&self.raw.raft, self.config.id);
        let (term, leader) = (raft.term, raft.leader_id);
        let voters = raft.prs().conf().voters();
        if leader == raft::INVALID_ID || leader == own || !voters.contains(own) || voters.contains(leader) {
            return;
        }
        let before = voters.ids().iter().filter(|id| *id < own).count();
        self.elections.bereft = Some(Bereft { term, leader, ticks: before * self.config.heartbeat_ticks });
        if before == 0 {
            self.tick_bereft();
        }
    }

    fn tick_bereft(&mut self) {
        let Some(Bereft { term, leader, ticks }) = self.elections.bereft.take() else { return };
        let raft = &self.raw.raft;
        if (raft.term, raft.leader_id) != (term, leader) {
            return;
        }
        if let Some(left) = ticks.checked_sub(1) {
            self.elections.bereft = Some(Bereft { term, leader, ticks: left });
            return;
        }
        // As if that leader had asked for it (section 3.10): who votes need not wait for its timeout either.
        let mut asked = Message { from: leader, to: self.config.id, term, ..Message::default() };
        asked.set_msg_type(MessageType::MsgTimeoutNow);
        self.elections.asked_to_lead = Some(asked);
    }

    /// Raft's own clock goes on by a tick.
    pub(super) fn tick_elections(&mut self) {
        self.tick_bereft();
        let raft = &mut self.raw.raft;
        // raft draws its own timeout from the thread's random numbers; this one replaces it before it can matter, so
        // that a run repeats from its seed.
        raft.set_randomized_election_timeout(self.elections.timeout);
        self.raw.tick();
        if self.is_candidate() && self.raw.raft.election_elapsed == 0 {
            self.elections.campaigns += 1;
            self.draw_election_timeout();
        }
    }

    /// Campaigns if a leader has asked for it. Only once all that came before is applied: raft refuses while a change of
    /// the members, such as the one that takes that leader away, is not.
    pub(super) fn take_over(&mut self) -> bool {
        let asked = self.elections.asked_to_lead.take();
        asked.is_some_and(|message| self.raw.step(message).is_ok())
    }

    pub(super) fn observe_role(&mut self) {
        let raft = &self.raw.raft;
        let role = Role { term: raft.term, leader: raft.leader_id, is_leader: raft.state == StateRole::Leader };
        if role == self.elections.role {
            return;
        }
        let before = std::mem::replace(&mut self.elections.role, role);
        self.outlet.role = true;
        if role.leader != 0 {
            self.elections.campaigns = 0;
        }
        self.draw_election_timeout();
        if role.leader != 0 && (role.term, role.leader) != (before.term, before.leader) {
            self.batches.again();
            self.reads.again();
        }
        if role.is_leader && !before.is_leader {
            self.lessor.promote(&read(&self.store), self.now);
        } else if before.is_leader && !role.is_leader {
            self.lessor.clear();
        }
    }

    fn is_candidate(&self) -> bool {
        matches!(self.raw.raft.state, StateRole::PreCandidate | StateRole::Candidate)
    }

    fn draw_election_timeout(&mut self) {
        let shortest = self.config.election_ticks;
        self.elections.timeout = self.rng.random_range(shortest..longest_election(shortest));
        if self.is_candidate()
            && let Some(wait) = self.wait_as_candidate()
        {
            // raft takes no timeout below the shortest: as much less is left of this one.
            self.raw.raft.election_elapsed = self.elections.timeout - wait;
        }
    }

    /// Ticks until a candidate asks again; `None` once that is as long as a follower waits.
    fn wait_as_candidate(&mut self) -> Option<usize> {
        let doubled = 1_usize.checked_shl(self.elections.campaigns.saturating_sub(1))?;
        let least = self.config.heartbeat_ticks.checked_mul(doubled)?;
        let most = least.checked_mul(3).filter(|most| *most <= self.config.election_ticks)?;
        Some(self.rng.random_range(least..most))
    }
}

/// Ticks an election timeout never reaches: half as many more again as the shortest, so that a dead leader is replaced
/// within two of the shortest, and yet two followers rarely start together.
pub(super) fn longest_election(shortest: usize) -> usize {
    shortest + (shortest / 2).max(2)
}
