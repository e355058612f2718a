//! What a run does to the cluster. Everything random about it comes from the seed, and is written down before it begins:
//! so a piece can be left out, and the rest tried again.

mod draw;
mod profile;

use std::fmt;

pub use self::profile::{Profile, UnknownProfile};
use super::clock::{MILLISECOND, SECOND};

/// A whole run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Of every random choice that isn't written down here: delays, losses, what clients ask, what a crash tears.
    pub seed: u64,
    /// What it concentrates on.
    pub profile: Profile,
    /// Members at the start.
    pub members: usize,
    /// Clients that read and write keys.
    pub registers: usize,
    /// Clients that want one lock, each under a lease.
    pub lockers: usize,
    /// Clients that watch.
    pub watchers: usize,
    /// Nanoseconds until all disturbances end. What the clients then ask has to be answered.
    pub lasts: u64,
    /// The network's usual state.
    pub weather: Weather,
    /// Parts in a million by which clocks are too fast or too slow, at most.
    pub drift: i32,
    /// How members run.
    pub setup: Setup,
    /// What happens to the cluster, in order of time.
    pub disturbances: Vec<Planned>,
}

/// What members are configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in `node::Config` and `log::Options`")]
pub struct Setup {
    pub heartbeat_ticks: usize,
    pub snapshot_entries: u64,
    pub catch_up_entries: u64,
    pub message_bytes: u64,
    pub batch_bytes: usize,
    pub segment_bytes: u64,
}

/// What the network does to messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Of a thousand messages, how many are lost.
    pub lost: u32,
    /// Of a thousand messages, how many come twice.
    pub doubled: u32,
    /// Nanoseconds a message takes at most. How long is random, so that messages overtake each other.
    pub delay: u64,
}

/// A disturbance and when it begins, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When it begins.
    pub at: u64,
    /// What it is.
    pub what: Disturbance,
}

/// Whom a disturbance meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Whoever leads at that moment; the first member where nobody does.
    Leader,
    /// One of the members, counted around.
    Member(u8),
}

/// Something that happens to the cluster. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says what its fields are")]
pub enum Disturbance {
    /// A process ends and comes back after `down`; with `power`, its disk forgets what wasn't synced.
    Crash { whom: Whom, power: bool, down: u64 },
    /// All do at once.
    CrashAll { power: bool, down: u64 },
    /// For `lasts`, whoever comes to the moment meets the consequence, `times` times.
    Trap { moment: Moment, consequence: Consequence, times: u32, lasts: u64 },
    /// A process stands still, and then goes on as if no time had passed.
    Stall { whom: Whom, lasts: u64 },
    /// Nothing goes to or from a member.
    Isolate { whom: Whom, lasts: u64 },
    /// Nothing goes from a member to the others.
    Mute { whom: Whom, lasts: u64 },
    /// Nothing goes from the others to a member.
    Deafen { whom: Whom, lasts: u64 },
    /// Nothing goes between two groups: those whose bit is set, and the others.
    Split { side: u8, lasts: u64 },
    /// The network is worse.
    Storm { weather: Weather, lasts: u64 },
    /// Writes take up to `latency`.
    SlowDisk { whom: Whom, latency: u64, lasts: u64 },
    /// Files can grow by `free` bytes only.
    FullDisk { whom: Whom, free: u64, lasts: u64 },
    /// The next sync fails.
    FailSync { whom: Whom },
    /// The next write fails after some bytes.
    FailWrite { whom: Whom, after: u64 },
    /// The leadership goes to a member, if it can.
    Transfer { to: Whom },
    /// A member joins as a learner, and votes when it has caught up.
    Grow,
    /// A member leaves for good.
    Shrink { whom: Whom },
}

/// A moment at which a disturbance hurts most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A vote is on the disk, and its answer is sent.
    Voted,
    /// A member leads, and has told nobody yet.
    Elected,
    /// A new leader has applied the first change of a key.
    Committed,
    /// A write has begun.
    Writing,
    /// A write is done, and what waited for it is sent.
    Written,
    /// A snapshot is half written.
    Saving,
    /// A snapshot of another member is on the disk, and not taken yet.
    Received,
}

/// What happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each says what its fields are")]
pub enum Consequence {
    /// The machine loses power, `after` the moment, for `down`.
    Crash { after: u64, down: u64 },
    /// The member is cut off, `after` the moment, for `lasts`.
    Isolate { after: u64, lasts: u64 },
}

impl Plan {
    /// The plan of a seed, which also says on what it concentrates.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::of(Profile::of(seed), seed)
    }

    /// The plan of a seed, for one profile.
    #[must_use]
    pub fn of(profile: Profile, seed: u64) -> Self {
        draw::plan(profile, seed)
    }

    /// Whether the seed alone leads to this very plan.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::of(self.profile, self.seed)
    }

    /// The command line that runs this seed again.
    #[must_use]
    pub fn replay(&self) -> String {
        if self.profile == Profile::of(self.seed) {
            format!("plumbline simulate --seed {}", self.seed)
        } else {
            format!("plumbline simulate --seed {} --profile {}", self.seed, self.profile)
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, profile, members, registers, lockers, watchers, lasts, weather, drift, .. } = self;
        writeln!(f, "seed {seed}, profile {profile}: {members} members for {:.1} s", seconds(*lasts))?;
        writeln!(f, "clients: {registers} of keys, {lockers} of a lock, {watchers} that watch")?;
        writeln!(f, "network: {weather}; clocks off by {drift} millionths at most")?;
        writeln!(f, "{:?}", self.setup)?;
        for Planned { at, what } in &self.disturbances {
            writeln!(f, "{:>8.3} s  {what:?}", seconds(*at))?;
        }
        Ok(())
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lost, doubled, delay } = self;
        write!(f, "{lost} ‰ lost, {doubled} ‰ doubled, up to {} ms", *delay as f64 / MILLISECOND as f64)
    }
}

fn seconds(time: u64) -> f64 {
    time as f64 / SECOND as f64
}
