use std::{fmt, ops::AddAssign};

use super::{clock::SECOND, plan::Profile};

/// What happened in a run, or in several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The run's seed.
    pub seed: u64,
    /// Its profile.
    pub profile: Profile,
    /// Nanoseconds of simulated time.
    pub simulated: u64,
    /// Calls of clients about keys.
    pub calls: u64,
    /// Revisions that came of them.
    pub revisions: u64,
    /// Messages between members.
    pub messages: u64,
    /// Members that began to lead.
    pub elections: u64,
    /// Processes that ended.
    pub crashes: u64,
    /// Of these, because of their disks.
    pub disk_failures: u64,
    /// Writes that found no room on the disk.
    pub disks_full: u64,
    /// Processes that stood still.
    pub stalls: u64,
    /// Times that links were cut.
    pub partitions: u64,
    /// Moments that a trap waited for, and that came.
    pub traps: u64,
    /// Snapshots that members took of their own state.
    pub snapshots_saved: u64,
    /// Snapshots that came from another member.
    pub snapshots_received: u64,
    /// Changes of the members that were made.
    pub member_changes: u64,
    /// Times the lock was taken.
    pub locks: u64,
    /// What watchers were sent.
    pub deliveries: u64,
    /// Stands for everything that happened, in its order: runs with equal traces went the same way.
    pub trace: u64,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            seed: 0,
            profile: Profile::Calm,
            simulated: 0,
            calls: 0,
            revisions: 0,
            messages: 0,
            elections: 0,
            crashes: 0,
            disk_failures: 0,
            disks_full: 0,
            stalls: 0,
            partitions: 0,
            traps: 0,
            snapshots_saved: 0,
            snapshots_received: 0,
            member_changes: 0,
            locks: 0,
            deliveries: 0,
            trace: 0,
        }
    }
}

/// Adds the counts up. Seed, profile and trace are one run's own, and stay.
impl AddAssign for Report {
    fn add_assign(&mut self, other: Self) {
        let Self { simulated, calls, revisions, messages, elections, crashes, disk_failures, stalls, .. } = other;
        let Self { partitions, traps, snapshots_saved, snapshots_received, member_changes, locks, deliveries, .. } =
            other;
        self.disks_full += other.disks_full;
        self.simulated += simulated;
        self.calls += calls;
        self.revisions += revisions;
        self.messages += messages;
        self.elections += elections;
        self.crashes += crashes;
        self.disk_failures += disk_failures;
        self.stalls += stalls;
        self.partitions += partitions;
        self.traps += traps;
        self.snapshots_saved += snapshots_saved;
        self.snapshots_received += snapshots_received;
        self.member_changes += member_changes;
        self.locks += locks;
        self.deliveries += deliveries;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { simulated, calls, revisions, messages, elections, crashes, disk_failures, stalls, .. } = self;
        let Self { partitions, traps, snapshots_saved, snapshots_received, member_changes, locks, deliveries, .. } =
            self;
        writeln!(f, "{:.0} simulated seconds", *simulated as f64 / SECOND as f64)?;
        writeln!(f, "{calls} calls, {revisions} revisions, {locks} locks taken, {deliveries} deliveries to watchers")?;
        writeln!(f, "{messages} messages, {elections} elections, {member_changes} changes of members")?;
        writeln!(
            f,
            "{crashes} crashes ({disk_failures} by the disk), {stalls} stalls, {partitions} partitions, {traps} traps, {} \
             writes without room",
            self.disks_full
        )?;
        write!(f, "{snapshots_saved} snapshots saved, {snapshots_received} received")
    }
}
