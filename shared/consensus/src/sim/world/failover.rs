//! How long a cluster is without a leader when it loses the one it has.

use super::*;
use crate::{
    node::Status,
    sim::plan::{Profile, Setup, Weather},
};

const ELECTION: u64 = host::ELECTION_TICKS as u64 * TICK;

/// Three members side by side, with one client, whom nothing disturbs.
fn plan(seed: u64) -> Plan {
    Plan {
        seed,
        profile: Profile::Calm,
        members: 3,
        registers: 1,
        lockers: 0,
        watchers: 0,
        lasts: 60 * SECOND,
        weather: Weather { lost: 0, doubled: 0, delay: MILLISECOND / 4 },
        drift: 50,
        setup: Setup {
            heartbeat_ticks: host::ELECTION_TICKS / 10,
            snapshot_entries: 1_000,
            catch_up_entries: 0,
            message_bytes: 1 << 20,
            batch_bytes: 64 << 10,
            segment_bytes: 32 << 10,
        },
        disturbances: Vec::new(),
    }
}

/// Nanoseconds from the end of the leader's process to the next leader.
fn felt(seed: u64) -> u64 {
    let mut world = World::new(plan(seed));
    // Anywhere between two heartbeats, once all have heard of the leader.
    let at = 4 * SECOND + world.rng.random_range(0..SECOND);
    while world.now < at || !agreed(&world) {
        assert!(world.go_on().unwrap());
    }
    let (killed, leader) = (world.now, world.leader().unwrap());
    world.crash(leader, world.hosts[leader].life, false, 60 * SECOND).unwrap();
    while world.leader().is_none() {
        assert!(world.go_on().unwrap());
    }
    world.now - killed
}

fn agreed(world: &World) -> bool {
    let status = |host: &Host| host.process.as_ref().map_or(Status::default(), |process| process.node.status());
    let leaders: Vec<u64> = world.hosts.iter().map(|host| status(host).leader).collect();
    leaders[0] != 0 && leaders.iter().all(|leader| *leader == leaders[0])
}

#[test]
fn a_lost_leader_is_replaced_within_two_election_timeouts() {
    let mut felt: Vec<u64> = (0..1_000).map(felt).collect();
    felt.sort_unstable();
    let at = |place: usize| felt[place] / MILLISECOND;
    println!("median {} ms, 99 of 100 {} ms, most {} ms", at(500), at(990), at(999));
    assert!(felt.iter().all(|felt| *felt < 2 * ELECTION), "{:?}", &felt[990..]);
}
