//! The task that owns the node: inputs in, one step, outputs out.

use std::{
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::{Duration, Instant},
};

use consensus::eraft::{Message, MessageType};
use consensus::{
    api::logpb::Command,
    node::{Answer, CallId, Confirmed, Node, Output},
    store::Outcome,
};
use tokio::sync::{mpsc, watch};

use super::{
    EngineError, Leadership, Shared,
    calls::{Caller, Calls, End},
    clock::Clock,
    disk::{Disk, Job},
    input::Input,
    snapshots::Snapshots,
};
use crate::peers::Outbound;

/// Inputs taken between two steps of the node, at most: what follows waits for the next step.
const INPUTS_AT_ONCE: usize = 4_096;
/// Calls that wait when the driver begins to let others go first, so that it takes what they bring in one step.
const FEW: usize = 16;
/// Records of the store's history looked at between two steps while compacted ones are removed.
const PURGE_AT_ONCE: usize = 256;
/// The pause between two such removals: watchers and readers need the store as well.
const PURGE_PAUSE: Duration = Duration::from_millis(1);

/// The node with everything it drives.
pub(super) struct Driver {
    pub(super) node: Node,
    pub(super) shared: Arc<Shared>,
    pub(super) inputs: mpsc::UnboundedReceiver<Input>,
    pub(super) outbound: Outbound,
    pub(super) disk: Disk,
    pub(super) snapshots: Snapshots,
    pub(super) applied: watch::Sender<u64>,
    pub(super) leadership: watch::Sender<Leadership>,
    pub(super) clock: Clock,
    pub(super) calls: Calls,
    pub(super) proposals: Vec<(CallId, Command)>,
}

/// Ends once all tasks that are ready now have had their turn on this thread.
async fn last_in_turn() {
    let mut waited = false;
    std::future::poll_fn(|task| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        // A task that wakes itself goes to the end of the queue.
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

enum Next {
    Goes,
    Stops,
}

impl Driver {
    /// Runs until it is stopped, or until the disk fails.
    pub(super) async fn run(mut self) -> Result<(), EngineError> {
        let outcome = self.drive().await;
        self.shared.stopping.cancel();
        self.calls.drain().for_each(|caller| caller.end(End::Stopped));
        self.inputs.close();
        while let Ok(input) = self.inputs.try_recv() {
            self.refuse(input);
        }
        let disk = self.disk;
        if tokio::task::spawn_blocking(move || disk.close()).await.is_err() {
            tracing::warn!("the log's thread did not end as it should");
        }
        outcome
    }

    async fn drive(&mut self) -> Result<(), EngineError> {
        let mut ticks = self.clock.ticks();
        let mut batch = Vec::with_capacity(INPUTS_AT_ONCE.min(256));
        self.follow_members();
        self.elect_soon_if_alone();
        self.step();
        let mut purge = tokio::time::Instant::now();
        loop {
            let purging = self.shared.may_purge();
            tokio::select! {
                biased;
                _ = ticks.tick() => self.tick(),
                () = tokio::time::sleep_until(purge), if purging => {
                    self.shared.store_mut().purge(PURGE_AT_ONCE);
                    purge = tokio::time::Instant::now() + PURGE_PAUSE;
                }
                count = self.inputs.recv_many(&mut batch, INPUTS_AT_ONCE) => {
                    if count == 0 {
                        return Ok(());
                    }
                }
            }
            if self.calls.len() > FEW {
                last_in_turn().await;
                while batch.len() < INPUTS_AT_ONCE
                    && let Ok(input) = self.inputs.try_recv()
                {
                    batch.push(input);
                }
            }
            self.node.clock(self.clock.now());
            for input in batch.drain(..) {
                if let Next::Stops = self.take(input)? {
                    return Ok(());
                }
            }
            self.step();
        }
    }

    /// Takes one input to the node. Nothing comes of it before the next step.
    fn take(&mut self, input: Input) -> Result<Next, EngineError> {
        match input {
            Input::Propose(command, since, caller) => {
                let call = self.calls.insert(Caller::Propose(caller), since);
                self.proposals.push((call, command));
            }
            Input::Read(since, caller) => {
                let call = self.calls.insert(Caller::Read(caller), since);
                self.node.read(call);
            }
            Input::KeepAlive(lease, since, caller) => {
                let call = self.calls.insert(Caller::KeepAlive(caller), since);
                self.node.keep_alive(call, lease);
            }
            Input::LeaseRemaining(lease, caller) => drop(caller.send(self.node.lease_remaining(lease))),
            Input::Change(change, since, caller) => {
                let call = self.calls.insert(Caller::Change(caller), since);
                self.node.change_members(call, change);
            }
            Input::Progress(caller) => drop(caller.send(self.node.progress())),
            Input::Transfer(to) => self.node.transfer_leadership(to),
            Input::Messages(messages) => {
                for message in messages {
                    if self.can_keep(&message) {
                        self.node.receive(message);
                    }
                }
            }
            Input::Snapshot(message, store) => {
                self.snapshots.receive();
                self.node.receive_snapshot(message, *store);
            }
            Input::Connected(id) => {
                tracing::debug!(peer = %format_args!("{id:x}"), "a peer is connected");
                self.elect_soon();
            }
            Input::Unreachable(id) => self.node.unreachable(id),
            Input::SnapshotSent(id, delivered) => self.node.snapshot_sent(id, delivered),
            Input::Persisted(number) => self.node.persisted(number),
            Input::SnapshotWritten(metadata) => self.disk.give(Job::Mark(metadata)),
            Input::SnapshotSaved(metadata) => {
                self.disk.give(Job::Release(metadata.index));
                self.node.snapshot_saved(metadata);
            }
            Input::SnapshotFailed => self.node.snapshot_failed(),
            Input::Removed => self.shared.removed.cancel(),
            Input::DiskFull(is_full) => self.disk_full(is_full),
            Input::DiskFailed(error) => return Err(EngineError::Disk(error)),
            Input::Stop => return Ok(Next::Stops),
        }
        Ok(Next::Goes)
    }

    fn tick(&mut self) {
        for _ in 0..self.clock.due() {
            self.node.tick(self.clock.now());
        }
        if self.clock.beats() {
            self.end_overdue();
        }
    }

    fn end_overdue(&mut self) {
        let oldest = Instant::now().checked_sub(self.shared.limits.request_timeout);
        for (call, since) in self.calls.overdue(oldest) {
            self.node.forget(call);
            self.proposals.retain(|(waiting, _)| *waiting != call);
            let end = self.why_late(since);
            if let Some(caller) = self.calls.take(call) {
                match caller {
                    Caller::Propose(_) | Caller::Change(_) => self.shared.metrics.failed.count(),
                    Caller::Read(_) | Caller::KeepAlive(_) => self.shared.metrics.slow_reads.count(),
                }
                caller.end(end);
            }
        }
    }

    /// What etcd's client is told about a proposal that got no answer.
    fn why_late(&self, since: Instant) -> End {
        let leadership = *self.leadership.borrow();
        let lost = leadership.leader_since.and_then(|elected| elected.checked_sub(self.clock.two_elections()));
        if let (Some(lost), Some(elected)) = (lost, leadership.leader_since)
            && since > lost
            && since < elected
        {
            return End::LeaderLost;
        }
        match leadership.status.leader {
            0 => End::Timeout,
            leader if leader == self.shared.identity.member_id => {
                if self.shared.connected_quorum(since) {
                    End::Timeout
                } else {
                    End::ConnectionLost
                }
            }
            leader if self.shared.is_connected(leader, since) => End::Timeout,
            _ => End::ConnectionLost,
        }
    }

    fn step(&mut self) {
        if !self.proposals.is_empty() {
            self.node.propose(self.proposals.drain(..));
        }
        let output = self.node.advance();
        self.act(output);
    }

    fn act(&mut self, output: Output) {
        let installed = output.write.as_ref().is_some_and(|write| write.snapshot.is_some());
        if let Some(write) = output.write {
            self.disk.give(Job::Write(write));
        }
        for message in output.messages {
            self.send(message);
        }
        output.answers.into_iter().for_each(|answer| self.answer(answer));
        output.confirmed.into_iter().for_each(|confirmed| self.confirm(confirmed));
        if let Some((metadata, snapshot)) = output.save_snapshot {
            self.snapshots.save(metadata, snapshot);
        }
        self.publish(output.applied, output.role);
        if output.role || installed {
            self.follow_members();
        }
    }

    fn send(&mut self, message: Message) {
        if message.get_msg_type() == MessageType::MsgSnapshot {
            self.snapshots.send(message);
        } else if let Err(unreachable) = self.outbound.send(message) {
            self.node.unreachable(unreachable);
        }
    }

    fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::Applied(call, outcome) => {
                let since = self.calls.since(call);
                if let Some(Caller::Propose(caller)) = self.calls.take(call) {
                    if let Some(since) = since {
                        self.shared.metrics.commit.observe(since.elapsed());
                    }
                    let outcome: Result<Outcome, _> = outcome.map_err(Into::into);
                    // Whoever asked may have gone.
                    caller.send(outcome).ok();
                }
            }
            Answer::Changed(call, outcome) => {
                if let Some(Caller::Change(caller)) = self.calls.take(call) {
                    caller.send(outcome.map_err(Into::into)).ok();
                }
            }
            Answer::Lost(call) => {
                if let Some(caller) = self.calls.take(call) {
                    caller.end(End::Timeout);
                }
            }
        }
    }

    fn confirm(&mut self, confirmed: Confirmed) {
        match self.calls.take(confirmed.call) {
            Some(Caller::Read(caller)) => drop(caller.send(Ok(()))),
            Some(Caller::KeepAlive(caller)) => drop(caller.send(Ok(confirmed))),
            _ => {}
        }
    }

    /// Shows everybody else what has changed.
    fn publish(&mut self, applied: bool, role: bool) {
        let status = self.node.status();
        let before = self.leadership.borrow().status.leader;
        self.leadership.send_if_modified(|leadership| leadership.follow(status) || role);
        let (leader, term) = (format_args!("{:x}", status.leader), status.term);
        match (before, status.leader) {
            (before, after) if before == after => {}
            (_, 0) => tracing::info!(leader = %format_args!("{before:x}"), term, "raft.node: lost leader"),
            _ => tracing::info!(%leader, term, "raft.node: elected leader"),
        }
        self.shared.metrics.pending.set(self.calls.len() as u64);
        if applied {
            self.applied.send_replace(status.applied);
        }
        if status.removed {
            self.shared.removed.cancel();
        }
    }

    /// Connects to whoever is a member now, and to nobody else.
    fn follow_members(&mut self) {
        let members: Vec<_> = self.shared.store().members().iter().cloned().collect();
        self.outbound.follow(&self.shared.peers, &members);
    }

    /// What can't be written now is not taken either, or it would fill the memory. Raft sends it again.
    fn can_keep(&self, message: &Message) -> bool {
        let is_to_be_written = message.get_msg_type() == MessageType::MsgAppend && !message.entries.is_empty();
        !(is_to_be_written && self.shared.disk_full.load(Ordering::Relaxed))
    }

    /// Whoever can't write doesn't lead either, if another can.
    fn disk_full(&mut self, is_full: bool) {
        self.shared.disk_full.store(is_full, Ordering::Relaxed);
        if is_full {
            self.node.resign();
        }
    }

    /// A member that is the only voter needs nobody's vote.
    fn elect_soon_if_alone(&mut self) {
        if self.shared.store().members().iter().filter(|member| !member.is_learner).count() == 1 {
            for _ in 0..self.clock.whole_election() {
                if self.node.status().is_voter && !self.node.status().is_leader {
                    self.node.tick(self.clock.now());
                }
            }
        }
    }

    /// A member that has just started doesn't wait for a leader that may not be there as long as one that loses its
    /// leader: most of an election timeout is skipped, once, when a peer can be reached. A leader that is there is heard
    /// of before the rest is over.
    fn elect_soon(&mut self) {
        let skipped = self.clock.advance();
        if self.node.status().leader == 0 {
            for _ in 0..skipped {
                self.node.tick(self.clock.now());
            }
        }
    }

    fn refuse(&self, input: Input) {
        match input {
            Input::Propose(_, _, caller) => Caller::Propose(caller).end(End::Stopped),
            Input::Read(_, caller) => Caller::Read(caller).end(End::Stopped),
            Input::KeepAlive(_, _, caller) => Caller::KeepAlive(caller).end(End::Stopped),
            Input::Change(_, _, caller) => Caller::Change(caller).end(End::Stopped),
            // Nobody waits for the others, or sees that they were dropped.
            _ => {}
        }
    }
}
