//! The cluster keeps its rules, whatever happens to it.

use std::{collections::BTreeSet, thread};

use consensus::sim::{self, Campaign, Plan, Profile, Report, Violation};

/// Panics with the smallest plan that shows what is wrong.
fn fail(violation: &Violation) -> ! {
    panic!("{violation}\n{}", sim::shrink(violation, 200));
}

#[test]
fn no_rule_is_broken_within_two_thousand_seeds() {
    let summary = sim::campaign(&Campaign::new(0..2_000), |_| {});
    if let Some(violation) = summary.violations.first() {
        fail(violation);
    }
    assert_eq!(summary.runs, 2_000);
    let Report { calls, elections, crashes, disk_failures, stalls, partitions, traps, .. } = summary.total;
    let Report { snapshots_saved, snapshots_received, member_changes, locks, deliveries, disks_full, .. } =
        summary.total;
    // A simulator in which nothing happens finds nothing.
    assert!(calls > 200_000 && locks > 2_000 && deliveries > 100_000, "{}", summary.total);
    assert!(crashes > 5_000 && disk_failures > 300 && stalls > 500 && traps > 2_000, "{}", summary.total);
    assert!(disks_full > 200, "{}", summary.total);
    assert!(elections > 4_000 && partitions > 2_000 && member_changes > 400, "{}", summary.total);
    assert!(snapshots_saved > 10_000 && snapshots_received > 600, "{}", summary.total);
}

/// Of a hundred thousand, this one once found a snapshot cut short by another member's, and taken for whole.
#[test]
fn a_seed_that_broke_a_rule_breaks_none_any_more() {
    if let Err(violation) = sim::run(&Plan::new(22_339)) {
        fail(&violation);
    }
}

#[test]
fn a_seed_runs_the_same_way_every_time() {
    for seed in 3_000..3_000 + 3 * Profile::ALL.len() as u64 {
        let plan = Plan::new(seed);
        let first = sim::run(&plan).unwrap();
        let again = thread::spawn(move || sim::run(&plan)).join().unwrap().unwrap();
        assert_eq!(first, again, "seed {seed}");
    }
}

#[test]
fn no_two_seeds_run_the_same_way() {
    let traces: BTreeSet<u64> = (4_000..4_050).map(|seed| sim::run(&Plan::new(seed)).unwrap().trace).collect();
    assert_eq!(traces.len(), 50);
}

#[test]
fn each_profile_takes_any_seed() {
    for profile in Profile::ALL {
        let plan = Plan::of(profile, 5_000);
        assert_eq!(profile.name().parse::<Profile>().unwrap(), profile);
        assert_eq!(plan.replay().contains("--profile"), profile != Profile::of(5_000));
        assert_eq!(sim::run(&plan).unwrap().profile, profile);
    }
}
