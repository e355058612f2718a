//! Draws a plan from a seed.

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng, seq::IndexedRandom as _};

use super::{Consequence, Disturbance, Moment, Plan, Planned, Profile, Setup, Weather, Whom};
use crate::sim::clock::{MICROSECOND, MILLISECOND, SECOND};

/// Kinds of disturbances, to be weighed against each other.
#[derive(Clone, Copy)]
enum Kind {
    Crash,
    CrashAll,
    Trap(Moment),
    Stall,
    Isolate,
    Mute,
    Deafen,
    Split,
    Storm,
    SlowDisk,
    FullDisk,
    FailSync,
    FailWrite,
    Transfer,
    Grow,
    Shrink,
}

/// What a run lies in wait for, from its start: moments that decide elections, and that chance rarely brings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hunt {
    Nothing,
    Votes,
    Commits,
}

pub(super) fn plan(profile: Profile, seed: u64) -> Plan {
    // Another stream of numbers than the run's own, which starts from the same seed.
    let mut rng = SmallRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x706c_616e);
    let lasts = match profile {
        Profile::Elections => rng.random_range(7 * SECOND..11 * SECOND),
        _ => rng.random_range(4 * SECOND..10 * SECOND),
    };
    let count = match profile {
        Profile::Calm => rng.random_range(0..3),
        Profile::Elections => rng.random_range(0..12),
        _ => rng.random_range(3..14),
    };
    let mut disturbances: Vec<_> = (0..count)
        .map(|_| Planned { at: rng.random_range(SECOND / 2..lasts), what: disturbance(profile, &mut rng) })
        .collect();
    let hunt = Hunt::of(profile, &mut rng);
    disturbances.extend(hunt.traps(&mut rng));
    disturbances.sort_by_key(|planned| planned.at);
    let (registers, lockers, watchers) = clients(profile, &mut rng);
    Plan {
        seed,
        profile,
        members: *[3, 3, 3, 5].choose(&mut rng).unwrap_or(&3),
        registers,
        lockers,
        watchers,
        lasts,
        weather: weather(profile, hunt, &mut rng),
        drift: if profile == Profile::Leases { 40_000 } else { rng.random_range(0..10_000) },
        setup: setup(profile, hunt, &mut rng),
        disturbances,
    }
}

impl Hunt {
    fn of(profile: Profile, rng: &mut SmallRng) -> Self {
        match (profile, rng.random_range(0..4)) {
            (Profile::Elections, 0..2) => Self::Votes,
            (Profile::Elections, 2) => Self::Commits,
            _ => Self::Nothing,
        }
    }

    fn traps(self, rng: &mut SmallRng) -> Vec<Planned> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Votes => hunt_for_votes(rng),
            Self::Commits => hunt_for_commits(rng),
        }
    }
}

/// A vote that is forgotten matters only if another candidate asks for it in the same election.
fn hunt_for_votes(rng: &mut SmallRng) -> Vec<Planned> {
    let after = rng.random_range(200 * MILLISECOND..SECOND);
    let fall = Consequence::Crash { after, down: rng.random_range(50 * MILLISECOND..SECOND) };
    let (votes, leaders) = (rng.random_range(4..20), rng.random_range(2..8));
    vec![trap(Moment::Voted, consequence(Moment::Voted, rng), votes), trap(Moment::Elected, fall, leaders)]
}

/// Which entries of earlier terms count as committed matters only if leaders follow each other that nobody hears: one,
/// another, and the first again, which is lost with its first acknowledgements before the second comes back (Ongaro and
/// Ousterhout 2014, figure 8).
fn hunt_for_commits(rng: &mut SmallRng) -> Vec<Planned> {
    let mut cut_off = |from: u64, upto: u64| {
        let lasts = rng.random_range(from * MILLISECOND..upto * MILLISECOND);
        Consequence::Isolate { after: 0, lasts }
    };
    vec![
        trap(Moment::Elected, cut_off(1_000, 1_800), 1),
        trap(Moment::Elected, cut_off(2_200, 3_500), 1),
        trap(Moment::Committed, cut_off(3_000, 4_000), 2),
    ]
}

fn trap(moment: Moment, consequence: Consequence, times: u32) -> Planned {
    Planned { at: SECOND / 10, what: Disturbance::Trap { moment, consequence, times, lasts: 8 * SECOND } }
}

fn clients(profile: Profile, rng: &mut SmallRng) -> (usize, usize, usize) {
    match profile {
        Profile::Calm => (rng.random_range(3..8), 1, 2),
        Profile::Elections => (rng.random_range(4..10), 0, 1),
        Profile::Leases => (1, rng.random_range(2..4), 1),
        _ => (rng.random_range(2..6), rng.random_range(0..3), rng.random_range(0..3)),
    }
}

fn weather(profile: Profile, hunt: Hunt, rng: &mut SmallRng) -> Weather {
    let (lost, doubled) = match profile {
        Profile::Lossy => (rng.random_range(0..100), rng.random_range(0..100)),
        Profile::Elections if hunt == Hunt::Votes => (rng.random_range(0..20), rng.random_range(0..400)),
        _ => (rng.random_range(0..5), rng.random_range(0..5)),
    };
    let delay = match profile {
        // Requests for votes that are late meet voters that have come back.
        Profile::Elections if hunt == Hunt::Votes => rng.random_range(20 * MILLISECOND..300 * MILLISECOND),
        Profile::Lossy => rng.random_range(MILLISECOND..60 * MILLISECOND),
        _ => rng.random_range(500 * MICROSECOND..5 * MILLISECOND),
    };
    Weather { lost, doubled, delay }
}

fn setup(profile: Profile, hunt: Hunt, rng: &mut SmallRng) -> Setup {
    let snapshots = match profile {
        Profile::Membership | Profile::Crashing => 5..40,
        _ => 10..150,
    };
    let message_bytes = match profile {
        // Few entries a message show what lies between two of them.
        Profile::Elections if hunt == Hunt::Commits => *[0, 100, 200, 300].choose(rng).unwrap_or(&0),
        _ => *[0, 200, 4_096, 1 << 20].choose(rng).unwrap_or(&0),
    };
    Setup {
        heartbeat_ticks: 10 * rng.random_range(1..4),
        snapshot_entries: rng.random_range(snapshots),
        catch_up_entries: *[0, 5, 20].choose(rng).unwrap_or(&0),
        message_bytes,
        batch_bytes: *[1, 200, 64 << 10].choose(rng).unwrap_or(&1),
        segment_bytes: *[1 << 10, 4 << 10, 32 << 10].choose(rng).unwrap_or(&1024),
    }
}

/// How often each kind comes, by profile.
fn weights(profile: Profile) -> &'static [(u32, Kind)] {
    use Kind::{
        Crash, CrashAll, Deafen, FailSync, FailWrite, FullDisk, Grow, Isolate, Mute, Shrink, SlowDisk, Split, Stall,
        Storm, Transfer, Trap,
    };
    match profile {
        Profile::Calm => &[(3, Crash), (3, Transfer), (2, Isolate), (1, Stall)],
        Profile::Lossy => {
            &[(4, Isolate), (3, Split), (2, Mute), (2, Deafen), (3, Storm), (1, Crash), (1, Stall), (1, Transfer)]
        }
        Profile::Crashing => &[
            (4, Crash),
            (3, CrashAll),
            (2, Trap(Moment::Writing)),
            (2, Trap(Moment::Written)),
            (2, Trap(Moment::Saving)),
            (1, Trap(Moment::Received)),
            (1, Isolate),
            (1, SlowDisk),
        ],
        Profile::Elections => &[
            (6, Trap(Moment::Elected)),
            (6, Trap(Moment::Voted)),
            (3, Crash),
            (3, Isolate),
            (2, Storm),
            (1, Mute),
            (1, Transfer),
            (1, Stall),
        ],
        Profile::Membership => &[
            (5, Grow),
            (5, Shrink),
            (2, Transfer),
            (2, Crash),
            (2, Isolate),
            (1, Split),
            (1, Trap(Moment::Received)),
            (1, Trap(Moment::Elected)),
        ],
        Profile::Disks => &[
            (4, SlowDisk),
            (2, FullDisk),
            (2, FailSync),
            (2, FailWrite),
            (2, CrashAll),
            (2, Crash),
            (1, Trap(Moment::Writing)),
        ],
        Profile::Leases => &[(5, Stall), (3, Isolate), (3, Transfer), (2, Crash), (1, Storm), (1, SlowDisk)],
    }
}

fn disturbance(profile: Profile, rng: &mut SmallRng) -> Disturbance {
    let kinds = weights(profile);
    let kind = kinds.choose_weighted(rng, |(weight, _)| *weight).map_or(Kind::Crash, |(_, kind)| *kind);
    let whom = if rng.random_ratio(1, 2) { Whom::Leader } else { Whom::Member(rng.random_range(0..8)) };
    let lasts = rng.random_range(300 * MILLISECOND..4 * SECOND);
    let down = if rng.random() { rng.random_range(MILLISECOND..60 * MILLISECOND) } else { lasts };
    match kind {
        Kind::Crash => Disturbance::Crash { whom, power: rng.random_ratio(2, 3), down },
        Kind::CrashAll => Disturbance::CrashAll { power: rng.random_ratio(4, 5), down },
        Kind::Trap(moment) => {
            let times = rng.random_range(1..5);
            Disturbance::Trap { moment, consequence: consequence(moment, rng), times, lasts: 4 * SECOND }
        }
        Kind::Stall => Disturbance::Stall { whom, lasts },
        Kind::Isolate => Disturbance::Isolate { whom, lasts },
        Kind::Mute => Disturbance::Mute { whom, lasts },
        Kind::Deafen => Disturbance::Deafen { whom, lasts },
        Kind::Split => Disturbance::Split { side: rng.random_range(1..31), lasts },
        Kind::Storm => {
            let (lost, doubled) = (rng.random_range(0..300), rng.random_range(0..300));
            let delay = rng.random_range(5 * MILLISECOND..400 * MILLISECOND);
            Disturbance::Storm { weather: Weather { lost, doubled, delay }, lasts }
        }
        Kind::SlowDisk => {
            let latency = rng.random_range(10 * MILLISECOND..700 * MILLISECOND);
            Disturbance::SlowDisk { whom, latency, lasts }
        }
        Kind::FullDisk => Disturbance::FullDisk { whom, free: rng.random_range(0..4_096), lasts },
        Kind::FailSync => Disturbance::FailSync { whom },
        Kind::FailWrite => Disturbance::FailWrite { whom, after: rng.random_range(0..2_048) },
        Kind::Transfer => Disturbance::Transfer { to: Whom::Member(rng.random_range(0..8)) },
        Kind::Grow => Disturbance::Grow,
        Kind::Shrink => Disturbance::Shrink { whom },
    }
}

fn consequence(moment: Moment, rng: &mut SmallRng) -> Consequence {
    let soon = [0, MILLISECOND / 2, 2 * MILLISECOND, 10 * MILLISECOND];
    let after = *soon.choose(rng).unwrap_or(&0);
    match moment {
        // Back in time for the same election.
        Moment::Voted => Consequence::Crash { after, down: rng.random_range(MICROSECOND..30 * MILLISECOND) },
        Moment::Elected if rng.random() => Consequence::Isolate { after, lasts: rng.random_range(SECOND..3 * SECOND) },
        _ => Consequence::Crash { after, down: rng.random_range(MILLISECOND..2 * SECOND) },
    }
}
