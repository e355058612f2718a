//! Power that goes off during any operation, disks that are full at any byte, and syncs that fail.

use std::io;

use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::member::{Member, Step, Went, step};
use crate::log::Error;

/// What happens to the disk before a step.
#[derive(Debug, Clone)]
enum Event {
    None,
    PowerGoesOff { after: u64 },
    FailedSync,
    Full { free: u64 },
    FullInPlace { after: u64 },
    Room,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        20 => Just(Event::None),
        3 => (0..12_u64).prop_map(|after| Event::PowerGoesOff { after }),
        1 => Just(Event::FailedSync),
        1 => (0..600_u64).prop_map(|free| Event::Full { free }),
        1 => (0..600_u64).prop_map(|after| Event::FullInPlace { after }),
        2 => Just(Event::Room),
    ]
}

fn befall(member: &Member, event: &Event) {
    match *event {
        Event::None => {}
        Event::PowerGoesOff { after } => member.disk.crash_after(after),
        Event::FailedSync => member.disk.fail_next_sync(io::ErrorKind::Other),
        Event::Full { free } => member.disk.set_free(Some(free)),
        Event::FullInPlace { after } => member.disk.fail_write_after(after, io::ErrorKind::StorageFull),
        Event::Room => member.disk.set_free(None),
    }
}

/// Opens the log, though the power may go off again and again meanwhile.
fn open(member: &mut Member, rng: &mut SmallRng, trials: u32) {
    for _ in 0..trials {
        member.disk.crash_after(rng.random_range(0..30));
        match member.open() {
            Ok(()) => return,
            Err(Error::Io { .. } | Error::Full { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        member.crash(rng);
    }
    member.disk.set_free(None);
    member.open().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_was_synced_is_lost(
        seed: u64,
        segment_bytes in 200..3_000_u64,
        script in prop::collection::vec((event(), step()), 1..80),
    ) {
        let mut rng = SmallRng::seed_from_u64(seed);
        let mut member = Member::new(seed, segment_bytes);
        open(&mut member, &mut rng, 0);
        for (event, step) in &script {
            befall(&member, event);
            if member.step(step) != Went::Broken {
                continue;
            }
            if matches!(event, Event::FailedSync) && rng.random() {
                member.restart();
            } else {
                member.crash(&mut rng);
            }
            open(&mut member, &mut rng, 3);
        }
        member.crash(&mut rng);
        member.disk.set_free(None);
        member.open().unwrap();
    }
}

/// In three rounds it touches everything: several segments, overwritten entries, snapshots of both kinds, a spare that
/// is used again.
fn script(rounds: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    for round in 0..rounds {
        steps.extend([
            Step::Append { count: 2, bytes: 60, sync: true },
            Step::Append { count: 1, bytes: 150, sync: false },
            Step::Vote { candidate: 2 },
            Step::Overwrite { back: 2, sync: true },
            Step::Commit { sync: false },
            Step::Append { count: 3, bytes: 30, sync: true },
            if round == 1 { Step::Install { ahead: 2 } } else { Step::Snapshot },
            Step::Prepare,
            Step::Append { count: 1, bytes: 700, sync: true },
            Step::Release { behind: 0 },
        ]);
    }
    steps
}

/// Runs the script until it breaks or ends; the number of operations that took.
fn run(member: &mut Member, rounds: usize) -> u64 {
    let before = member.disk.operations();
    let _ = script(rounds).iter().any(|step| member.step(step) == Went::Broken);
    member.disk.operations() - before
}

#[test]
fn power_may_go_off_during_every_operation() {
    let mut whole = Member::new(1, 512);
    whole.open().unwrap();
    let operations = run(&mut whole, 3);
    assert!(operations > 100, "{operations}");
    for after in 0..operations {
        for seed in 0..10 {
            let mut rng = SmallRng::seed_from_u64(seed);
            let mut member = Member::new(1, 512);
            member.open().unwrap();
            member.disk.crash_after(after);
            run(&mut member, 3);
            member.crash(&mut rng);
            open(&mut member, &mut rng, 1);
            run(&mut member, 1);
        }
    }
}

#[test]
fn the_disk_may_be_full_at_every_byte() {
    for bytes in 0..5_000 {
        let mut rng = SmallRng::seed_from_u64(bytes);
        let mut member = Member::new(1, 512);
        member.open().unwrap();
        let event =
            if bytes % 2 == 0 { Event::Full { free: bytes / 2 } } else { Event::FullInPlace { after: bytes / 2 } };
        befall(&member, &event);
        run(&mut member, 1);
        befall(&member, &Event::Room);
        // There is room again, and the same log goes on.
        assert_eq!(member.step(&Step::Append { count: 1, bytes: 50, sync: true }), Went::Well);
        member.crash(&mut rng);
        member.open().unwrap();
    }
}
