use super::member::{ME, Member, Step, chunks, data, read_snapshot, write_snapshot};
use crate::disk::{Disk, File, Simulated};
use crate::log::{Damage, Error, Log, Options, SnapshotMark, snapshot};

const OPTIONS: Options = Options { segment_bytes: 1024 };

fn marked(index: u64, term: u64) -> SnapshotMark {
    SnapshotMark { index, term, file: snapshot::Name { index, term }.file() }
}

/// A log with two snapshots, released up to `up_to`.
fn with_snapshots(up_to: u64) -> Member {
    let mut member = Member::new(1, OPTIONS.segment_bytes);
    member.open().unwrap();
    for _ in 0..2 {
        for _ in 0..5 {
            member.step(&Step::Append { count: 1, bytes: 300, sync: true });
        }
        member.step(&Step::Commit { sync: true });
        member.step(&Step::Snapshot);
    }
    member.step(&Step::Append { count: 2, bytes: 300, sync: true });
    member.log().release(up_to).unwrap();
    member.close();
    member
}

#[test]
fn a_damaged_bit_anywhere_is_noticed() {
    let disk = Simulated::new(1);
    let log = Log::open(disk.clone(), data(), ME, OPTIONS).unwrap();
    write_snapshot(&disk, 5, 2).unwrap();
    let mark = marked(5, 2);
    assert_eq!(read_snapshot(&disk, &mark).unwrap(), chunks(5, 2));
    let path = snapshot::dir(data()).join(&mark.file);
    let size = disk.open(&path).unwrap().len().unwrap() as usize;
    for bit in 0..size * 8 {
        let disk = disk.fork();
        disk.flip(&path, bit / 8, (bit % 8) as u8).unwrap();
        let error = read_snapshot(&disk, &mark).unwrap_err();
        assert!(matches!(&error, Error::Damaged { path: found, .. } if *found == path), "{error}");
    }
    for length in 0..size {
        let disk = disk.fork();
        disk.open(&path).unwrap().set_len(length as u64).unwrap();
        assert!(read_snapshot(&disk, &mark).is_err(), "cut off at {length}");
    }
    drop(log);
}

#[test]
fn one_that_was_not_finished_leaves_nothing() {
    let disk = Simulated::new(1);
    let log = Log::open(disk.clone(), data(), ME, OPTIONS).unwrap();
    let mut writer = snapshot::Writer::new(disk.clone(), data(), 7, 1, 1).unwrap();
    writer.push(b"some").unwrap();
    drop(writer);
    std::mem::forget(snapshot::Writer::new(disk.clone(), data(), 7, 2, 1).unwrap());
    assert_eq!(disk.list(&snapshot::dir(data())).unwrap().len(), 1);
    drop(log);
    drop(Log::open(disk.clone(), data(), ME, OPTIONS).unwrap());
    assert!(disk.list(&snapshot::dir(data())).unwrap().is_empty());
}

#[test]
fn there_is_a_way_back_where_the_log_reaches_far_enough() {
    let member = with_snapshots(5);
    let (mut log, mut recovered) = Log::open(member.disk.clone(), data(), ME, OPTIONS).unwrap();
    assert_eq!(recovered.snapshot, Some(marked(10, 1)));
    assert_eq!(recovered.entries.iter().map(|entry| entry.index).collect::<Vec<_>>(), [11, 12]);
    log.fall_back(&mut recovered).unwrap();
    assert_eq!(recovered.snapshot, Some(marked(5, 1)));
    assert_eq!(recovered.entries.iter().map(|entry| entry.index).collect::<Vec<_>>(), [6, 7, 8, 9, 10, 11, 12]);
    // What the older snapshot needs is no longer given up, and the next snapshot takes the damaged one's place.
    log.release(10).unwrap();
    write_snapshot(&member.disk, 8, 1).unwrap();
    log.mark_snapshot(8, 1, &marked(8, 1).file).unwrap();
    drop(log);
    let (mut log, mut recovered) = Log::open(member.disk.clone(), data(), ME, OPTIONS).unwrap();
    assert_eq!(recovered.snapshot, Some(marked(8, 1)));
    log.fall_back(&mut recovered).unwrap();
    assert_eq!(recovered.snapshot, Some(marked(5, 1)));
    assert_eq!(recovered.entries.len(), 7);
}

#[test]
fn there_is_no_way_back_behind_the_logs_start() {
    let member = with_snapshots(10);
    let (mut log, mut recovered) = Log::open(member.disk.clone(), data(), ME, OPTIONS).unwrap();
    let error = log.fall_back(&mut recovered).unwrap_err();
    assert!(matches!(error, Error::Damaged { damage: Damage::NothingEarlier, .. }), "{error}");
    assert_eq!(recovered.snapshot, Some(marked(10, 1)));
    assert_eq!(recovered.entries.len(), 2);
}

#[test]
fn without_an_earlier_snapshot_a_whole_log_will_do() {
    let mut member = Member::new(1, OPTIONS.segment_bytes);
    member.open().unwrap();
    member.step(&Step::Append { count: 4, bytes: 300, sync: true });
    member.step(&Step::Commit { sync: true });
    member.step(&Step::Snapshot);
    member.close();
    let (mut log, mut recovered) = Log::open(member.disk.clone(), data(), ME, OPTIONS).unwrap();
    assert!(recovered.entries.is_empty());
    log.fall_back(&mut recovered).unwrap();
    assert_eq!(recovered.snapshot, None);
    assert_eq!(recovered.entries.len(), 4);
}
