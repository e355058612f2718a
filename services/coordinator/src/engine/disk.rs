//! The thread that owns the log. Nothing else of the member ever waits for the disk.
//!
//! A disk that is full is waited for: the log took back what it had begun to write, so the same write is tried again until
//! there is room. A sync that failed is not: what it should have kept may be lost although the next one succeeds
//! (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020), so the member ends, and reads what
//! is there when it starts again.

use std::{
    collections::VecDeque,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use consensus::eraft::SnapshotMetadata;
use consensus::{
    disk::Real,
    log::{self, Log, snapshot},
    node::Write,
};

use super::input::{Input, Inputs};
use crate::metrics::Metrics;

/// How long the disk must have been idle before it prepares for later.
const IDLE: Duration = Duration::from_millis(20);

/// The pauses between two looks whether a full disk has room again: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What the log is asked to do, in this order.
#[derive(Debug)]
pub(super) enum Job {
    Write(Write),
    /// A snapshot's file has been written: the log notes it.
    Mark(SnapshotMetadata),
    Release(u64),
}

/// The way to the thread. Once it is dropped the thread ends, with everything written that it was given.
#[derive(Debug)]
pub(super) struct Disk {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Disk {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub(super) fn start(log: Log<Real>, inputs: Inputs, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let run = move || {
            let mut writer = Writer { log, inputs, metrics, released: 0, later: VecDeque::new() };
            if let Err(error) = writer.run(&queue) {
                writer.inputs.send(Input::DiskFailed(error)).ok();
            } else if let Err(error) = writer.log.close() {
                tracing::warn!(%error, "the log could not be closed; what was acknowledged is on the disk");
            }
        };
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(run)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    pub(super) fn give(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            // A thread that ended has said why.
            jobs.send(job).ok();
        }
    }

    /// Waits until everything is written.
    pub(super) fn close(mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

struct Writer {
    log: Log<Real>,
    inputs: Inputs,
    metrics: Arc<Metrics>,
    released: u64,
    /// Jobs that came while the disk was full.
    later: VecDeque<Job>,
}

enum Next {
    Job(Job),
    Idle,
    Closed,
}

impl Writer {
    fn run(&mut self, jobs: &mpsc::Receiver<Job>) -> Result<(), log::Error> {
        let mut prepared = false;
        loop {
            let next = self.later.pop_front().map_or_else(|| next(jobs, prepared), Next::Job);
            match next {
                Next::Job(job) => {
                    prepared &= !matches!(job, Job::Write(_));
                    if !self.work(job, jobs)? {
                        return Ok(());
                    }
                }
                Next::Idle => prepared = self.prepare()?,
                Next::Closed => return Ok(()),
            }
        }
    }

    /// Does a job, however long the disk is full. False when the member ended before there was room.
    fn work(&mut self, mut job: Job, jobs: &mpsc::Receiver<Job>) -> Result<bool, log::Error> {
        let (mut pause, mut was_full) = (PAUSES.0, false);
        loop {
            let done = match &mut job {
                Job::Write(write) => self.write(write),
                Job::Mark(metadata) => self.mark(metadata),
                Job::Release(up_to) => {
                    self.release(*up_to);
                    Ok(())
                }
            };
            match done {
                Err(error @ log::Error::Full { .. }) => {
                    if !std::mem::replace(&mut was_full, true) {
                        tracing::error!(%error, "the disk is full: nothing is written until there is room");
                    }
                    self.inputs.send(Input::DiskFull(true)).ok();
                }
                done => {
                    if was_full {
                        tracing::info!("the disk has room again");
                        self.inputs.send(Input::DiskFull(false)).ok();
                    }
                    return done.map(|()| true);
                }
            }
            if !self.wait_for_room(jobs, pause) {
                return Ok(false);
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Lets time pass, and gives up meanwhile what the log needs no longer: that may make room. False when the member
    /// ends.
    fn wait_for_room(&mut self, jobs: &mpsc::Receiver<Job>, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            match jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Job::Release(up_to)) => self.release(up_to),
                Ok(job) => self.later.push_back(job),
                Err(mpsc::RecvTimeoutError::Timeout) => return true,
                Err(mpsc::RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    fn write(&mut self, write: &mut Write) -> Result<(), log::Error> {
        let began = Instant::now();
        if let Some(snapshot) = &write.snapshot {
            self.log.mark_snapshot(snapshot.index, snapshot.term, &file_of(snapshot))?;
            // Not again, should there be no room for the rest.
            write.snapshot = None;
        }
        self.log.write(&log::Write {
            number: write.number,
            hard_state: write.hard_state.as_ref(),
            entries: &write.entries,
            sync: true,
        })?;
        self.metrics.fsync.observe(began.elapsed());
        self.inputs.send(Input::Persisted(write.number)).ok();
        Ok(())
    }

    fn mark(&mut self, metadata: &SnapshotMetadata) -> Result<(), log::Error> {
        match self.log.mark_snapshot(metadata.index, metadata.term, &file_of(metadata)) {
            Ok(()) => drop(self.inputs.send(Input::SnapshotSaved(metadata.clone()))),
            // One that came from the leader meanwhile is newer.
            Err(log::Error::OutOfOrder(reason)) => {
                tracing::info!(index = metadata.index, %reason, "a snapshot is of no use any more");
                self.inputs.send(Input::SnapshotFailed).ok();
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Gives up what stands before the snapshot before the last: should the last one's file turn out unreadable, the
    /// member can start from the one before it.
    fn release(&mut self, up_to: u64) {
        let before = std::mem::replace(&mut self.released, up_to);
        if let Err(error) = self.log.release(before) {
            tracing::warn!(%error, "old parts of the log could not be removed; the next snapshot tries again");
        }
    }

    /// True when there is nothing left to prepare.
    fn prepare(&mut self) -> Result<bool, log::Error> {
        match self.log.prepare() {
            Ok(more) => Ok(!more),
            // It is met again by a write that can't do without.
            Err(log::Error::Full { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn next(jobs: &mpsc::Receiver<Job>, prepared: bool) -> Next {
    // A log that is prepared has nothing to wake up for.
    if prepared {
        return jobs.recv().map_or(Next::Closed, Next::Job);
    }
    match jobs.recv_timeout(IDLE) {
        Ok(job) => Next::Job(job),
        Err(mpsc::RecvTimeoutError::Timeout) => Next::Idle,
        Err(mpsc::RecvTimeoutError::Disconnected) => Next::Closed,
    }
}

fn file_of(metadata: &SnapshotMetadata) -> String {
    snapshot::Name { index: metadata.index, term: metadata.term }.file()
}
