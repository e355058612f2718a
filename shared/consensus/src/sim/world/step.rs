//! A member's loop: what its driver does with what the node says.

use raft::eraftpb::{Message, MessageType};
use rand::Rng as _;

use super::{
    TICK, World,
    event::{Event, Order},
    host::{Job, Process, write},
};
use crate::{
    log,
    node::Output,
    sim::{
        clock::{MICROSECOND, MILLISECOND},
        plan::Moment,
        violation::Broken,
    },
};

/// Fingerprints are compared after every so many entries.
const COMPARE_EVERY: u64 = 8;

impl World {
    pub(super) fn tick(&mut self, place: usize, life: u64) -> Result<(), Broken> {
        let host = &mut self.hosts[place];
        let now = host.clock.read(self.now);
        let next = host.clock.when(now + TICK);
        let Some(process) = host.process(life) else { return Ok(()) };
        process.node.tick(now);
        self.queue.push(next, Event::Tick { host: place, life });
        self.step(place, life)
    }

    /// Gives a process something, and has it do what comes of it soon.
    pub(super) fn input(&mut self, place: usize, life: u64, give: impl FnOnce(&mut Process)) {
        let host = &mut self.hosts[place];
        let now = host.clock.read(self.now);
        let Some(process) = host.process(life) else { return };
        process.node.clock(now);
        give(process);
        if !std::mem::replace(&mut process.stepping, true) {
            let soon = self.rng.random_range(5 * MICROSECOND..200 * MICROSECOND);
            self.queue.push(self.now + soon, Event::Step { host: place, life });
        }
    }

    pub(super) fn step(&mut self, place: usize, life: u64) -> Result<(), Broken> {
        let Some(process) = self.hosts[place].process(life) else { return Ok(()) };
        process.stepping = false;
        let output = process.node.advance();
        let status = process.node.status();
        self.trace.note(&[status.term, status.leader, status.last, status.committed, status.applied]);
        let elected = status.is_leader && !std::mem::replace(&mut process.led, status.is_leader);
        process.led = status.is_leader;
        if elected {
            process.elected_at = Some(process.observed);
            self.checks.replicas.leads(self.hosts[place].id, status.term)?;
        }
        self.report.elections += u64::from(elected);
        if status.removed && !self.hosts[place].retired {
            self.queue.push(self.now + 500 * MILLISECOND, Event::Operate(Order::Retire { host: place }));
        }
        if elected && self.moment(place, Moment::Elected)? {
            return Ok(());
        }
        self.act(place, life, output)?;
        let Some(process) = self.hosts[place].process(life) else { return Ok(()) };
        let observed = process.observed;
        let first = process.elected_at.take_if(|before| !status.is_leader || observed > *before);
        if first.is_some() && status.is_leader {
            self.moment(place, Moment::Committed)?;
        }
        Ok(())
    }

    fn act(&mut self, place: usize, life: u64, output: Output) -> Result<(), Broken> {
        let Output { messages, write, answers, confirmed, save_snapshot, applied, role: _ } = output;
        let voted = messages.iter().any(is_vote);
        for message in messages {
            self.post(place, life, message);
        }
        if voted && self.moment(place, Moment::Voted)? {
            return Ok(());
        }
        if let Some(write) = write {
            if write.snapshot.is_some() {
                self.installed(place);
            }
            self.give(place, life, Job::Write(write));
        }
        if applied {
            self.observe(place)?;
        }
        answers.into_iter().for_each(|answer| self.answer(place, answer));
        confirmed.into_iter().for_each(|confirmed| self.confirm(place, confirmed));
        if let Some((metadata, snapshot)) = save_snapshot {
            self.begin_saving(place, life, metadata, snapshot);
        }
        if self.hosts[place].process.as_ref().is_some_and(|process| !process.jobs.is_empty()) {
            self.moment(place, Moment::Writing)?;
        }
        Ok(())
    }

    /// Looks at what a member has applied, tells its watchers, and removes what is compacted.
    pub(super) fn observe(&mut self, place: usize) -> Result<(), Broken> {
        let host = &mut self.hosts[place];
        let id = host.id;
        let Some(process) = &mut host.process else { return Ok(()) };
        let applied = process.node.status().applied;
        {
            let store = super::host::read(process.node.store());
            process.observed = self.checks.revisions.observe(id, &store, process.observed)?;
            if applied.is_multiple_of(COMPARE_EVERY) {
                self.checks.replicas.compare(id, applied, store.hash())?;
            }
            process.hub.applied(&store);
            process.hub.catch_up(&store, 16);
        }
        if process.store().needs_purge() {
            write(process.node.store()).purge(4);
        }
        self.pump(place);
        Ok(())
    }

    /// A message leaves for another member.
    fn post(&mut self, place: usize, life: u64, message: Message) {
        self.report.messages += 1;
        let to = self.hosts.iter().position(|host| host.id == message.to);
        let Some(to) = to.filter(|to| self.network.reaches(place, *to)) else {
            return self.not_delivered(place, life, message.to, message.get_msg_type());
        };
        if message.get_msg_type() == MessageType::MsgSnapshot {
            return self.begin_transfer(place, life, to, message);
        }
        for delay in self.network.delays() {
            let message = Box::new(message.clone());
            self.queue.push(self.now + delay, Event::Message { from: place, host: to, message });
        }
    }

    pub(super) fn deliver(&mut self, from: usize, place: usize, message: Message) -> Result<(), Broken> {
        let life = self.hosts[place].life;
        if self.network.reaches(from, place)
            && let Some(process) = &self.hosts[place].process
        {
            // As the coordinator: what can't be written is not taken.
            let is_to_be_written = message.get_msg_type() == MessageType::MsgAppend && !message.entries.is_empty();
            if !(process.full && is_to_be_written) {
                self.input(place, life, |process| process.node.receive(message));
            }
        } else {
            let sender = self.hosts[from].life;
            self.not_delivered(from, sender, message.to, message.get_msg_type());
        }
        Ok(())
    }

    /// A connection that broke is noticed, though not always.
    fn not_delivered(&mut self, place: usize, life: u64, peer: u64, kind: MessageType) {
        let soon = self.now + self.network.delay();
        if kind == MessageType::MsgSnapshot {
            self.queue.push(soon, Event::Sent { host: place, life, peer, delivered: false });
        } else if self.rng.random() {
            self.queue.push(soon, Event::Unreachable { host: place, life, peer });
        }
    }

    /// The disk is asked for something.
    pub(super) fn give(&mut self, place: usize, life: u64, job: Job) {
        let Some(process) = self.hosts[place].process(life) else { return };
        process.jobs.push_back(job);
        if process.jobs.len() == 1 {
            self.next_job(place, life);
        }
    }

    fn next_job(&mut self, place: usize, life: u64) {
        let most = self.hosts[place].slow.unwrap_or(2 * MILLISECOND);
        let latency = self.rng.random_range(most / 20..=most);
        self.queue.push(self.now + latency, Event::Done { host: place, life });
    }

    pub(super) fn done(&mut self, place: usize, life: u64) -> Result<(), Broken> {
        let Some(process) = self.hosts[place].process(life) else { return Ok(()) };
        let worked = process.work();
        process.full = matches!(worked, Err(log::Error::Full { .. }));
        if process.full {
            return self.wait_for_room(place, life);
        }
        let Some(job) = process.jobs.pop_front() else { return Ok(()) };
        let more = !process.jobs.is_empty();
        match (job, worked) {
            (Job::Write(write), Ok(())) => process.node.persisted(write.number),
            (Job::Mark(metadata), Ok(())) => {
                self.report.snapshots_saved += 1;
                // As the coordinator: what stands before the snapshot before the last.
                let before = std::mem::replace(&mut process.release, metadata.index);
                process.node.snapshot_saved(metadata);
                if process.log.release(before).is_err() {
                    return self.disk_failed(place, life);
                }
            }
            // One that came from the leader meanwhile is newer.
            (Job::Mark(_), Err(log::Error::OutOfOrder(_))) => process.node.snapshot_failed(),
            (Job::Write(_) | Job::Mark(_), Err(_)) => return self.disk_failed(place, life),
        }
        if !more && self.rng.random_ratio(1, 8) {
            // The disk has been idle for a while. A full one is met again by a write.
            let _ = process.log.prepare();
        }
        if more {
            self.next_job(place, life);
        }
        self.step(place, life)?;
        if self.hosts[place].life == life {
            self.moment(place, Moment::Written)?;
        }
        Ok(())
    }

    /// A write that finds the disk full is tried again.
    fn wait_for_room(&mut self, place: usize, life: u64) -> Result<(), Broken> {
        self.report.disks_full += 1;
        let pause = self.rng.random_range(50 * MILLISECOND..200 * MILLISECOND);
        self.queue.push(self.now + pause, Event::Done { host: place, life });
        if let Some(process) = self.hosts[place].process(life) {
            process.node.resign();
        }
        self.step(place, life)
    }

    /// A member whose disk fails ends, and is started again.
    pub(super) fn disk_failed(&mut self, place: usize, life: u64) -> Result<(), Broken> {
        self.report.disk_failures += 1;
        self.crash(place, life, false, 400 * MILLISECOND)
    }
}

/// Whether a message gives a vote.
fn is_vote(message: &Message) -> bool {
    message.get_msg_type() == MessageType::MsgRequestVoteResponse && !message.reject
}
