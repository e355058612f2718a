use raft::eraftpb::HardState;

use super::member::{ME, Member, Step, Went, data, entries};
use crate::disk::{Disk, Simulated};
use crate::log::{Error, Identity, Log, Options, OutOfOrder, Write};

fn open(disk: &Simulated) -> Log<Simulated> {
    Log::open(disk.clone(), data(), ME, Options::default()).unwrap().0
}

#[test]
fn a_new_log_is_new_once() {
    let disk = Simulated::new(1);
    let (log, recovered) = Log::open(disk.clone(), data(), ME, Options::default()).unwrap();
    assert!(recovered.is_new);
    assert_eq!(recovered.boot, 1);
    drop(log);
    let (_log, recovered) = Log::open(disk, data(), ME, Options::default()).unwrap();
    assert!(!recovered.is_new);
    assert_eq!(recovered.boot, 2);
    assert_eq!(recovered.hard_state, HardState::default());
}

#[test]
fn one_at_a_time_has_the_directory() {
    let disk = Simulated::new(1);
    let log = open(&disk);
    let second = Log::open(disk.clone(), data(), ME, Options::default()).unwrap_err();
    assert!(matches!(second, Error::Locked { .. }), "{second}");
    drop(log);
    open(&disk);
}

#[test]
fn another_members_directory_is_refused() {
    let disk = Simulated::new(1);
    drop(open(&disk));
    for other in [Identity { cluster_id: 1, ..ME }, Identity { member_id: 1, ..ME }] {
        let error = Log::open(disk.clone(), data(), other, Options::default()).unwrap_err();
        assert!(matches!(error, Error::OtherCluster { found: ME, expected, .. } if expected == other), "{error}");
    }
}

#[test]
fn what_is_out_of_order_is_refused_before_it_is_written() {
    let disk = Simulated::new(1);
    let mut log = open(&disk);
    let write = |log: &mut Log<_>, entries: &[_], hard_state: Option<&_>| {
        log.write(&Write { number: 1, hard_state, entries, sync: true })
    };
    write(&mut log, &entries(1, 2, 3, 10), None).unwrap();
    let beyond = HardState { term: 2, commit: 4, ..HardState::default() };
    let mut gap = entries(4, 2, 1, 10);
    gap.extend(entries(6, 2, 1, 10));
    for (entries, state, expected) in [
        (entries(5, 2, 1, 10), None, OutOfOrder::Gap { index: 5, last: 3 }),
        (gap, None, OutOfOrder::Gap { index: 6, last: 4 }),
        (entries(4, 1, 1, 10), None, OutOfOrder::Term { index: 4, term: 1, before: 2 }),
        (Vec::new(), Some(&beyond), OutOfOrder::Commit { commit: 4, last: 3 }),
        (entries(0, 2, 1, 10), None, OutOfOrder::BehindSnapshot { index: 0, snapshot: 0 }),
    ] {
        let error = write(&mut log, &entries, state).unwrap_err();
        assert!(matches!(&error, Error::OutOfOrder(found) if *found == expected), "{error}");
    }
    let no_file = log.mark_snapshot(3, 2, "nothing.snap").unwrap_err();
    assert!(matches!(no_file, Error::OutOfOrder(OutOfOrder::SnapshotFile(_))), "{no_file}");
    write(&mut log, &entries(4, 2, 1, 10), Some(&beyond)).unwrap();
}

#[test]
fn after_a_failed_sync_nothing_is_written_any_more() {
    let mut member = Member::new(1, 4096);
    member.open().unwrap();
    member.disk.fail_next_sync(std::io::ErrorKind::Other);
    assert_eq!(member.step(&Step::Append { count: 1, bytes: 10, sync: true }), Went::Broken);
    for _ in 0..2 {
        let write = Write { number: 2, hard_state: None, entries: &[], sync: true };
        let error = member.log().write(&write).unwrap_err();
        assert!(matches!(error, Error::Poisoned(std::io::ErrorKind::Other)), "{error}");
    }
    member.restart();
    member.open().unwrap();
    assert_eq!(member.step(&Step::Append { count: 1, bytes: 10, sync: true }), Went::Well);
}

#[test]
fn segments_below_a_snapshot_are_used_again() {
    let mut member = Member::new(1, 1024);
    member.open().unwrap();
    for _ in 0..40 {
        member.step(&Step::Append { count: 1, bytes: 300, sync: true });
        member.step(&Step::Commit { sync: false });
        member.step(&Step::Snapshot);
        member.step(&Step::Release { behind: 0 });
    }
    let files = member.disk.list(&data().join("wal")).unwrap();
    assert!(files.len() <= 3, "{files:?}");
    assert!(files.contains(&"spare.tmp".to_owned()), "{files:?}");
    let snapshots = member.disk.list(&data().join("snap")).unwrap();
    assert_eq!(snapshots.len(), 2, "{snapshots:?}");
    member.close();
    member.open().unwrap();
}

#[test]
fn a_write_larger_than_a_segment_has_one_of_its_own() {
    let mut member = Member::new(1, 1024);
    member.open().unwrap();
    for bytes in [10, 5_000, 10, 900, 3_000] {
        assert_eq!(member.step(&Step::Append { count: 1, bytes, sync: true }), Went::Well);
    }
    member.close();
    member.open().unwrap();
    assert_eq!(member.latest().entries.len(), 5);
}
