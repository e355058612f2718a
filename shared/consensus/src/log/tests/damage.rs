//! Bits that flip in what was synced.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::member::{Content, ME, Member, Step, data, step};
use crate::disk::{Disk, File, Simulated};
use crate::log::{Damage, Error, Log, Options};

const OPTIONS: Options = Options { segment_bytes: 512 };

fn segments(disk: &Simulated) -> Vec<PathBuf> {
    let wal = data().join("wal");
    let names = disk.list(&wal).unwrap();
    names.iter().filter(|name| name.ends_with(".wal")).map(|name| wal.join(name)).collect()
}

fn size(disk: &Simulated, path: &Path) -> usize {
    disk.open(path).unwrap().len().unwrap() as usize
}

/// Opens a copy of the log in which one bit is flipped.
fn open_flipped(disk: &Simulated, path: &Path, offset: usize, bit: u8) -> Result<(Content, u64), Error> {
    let disk = disk.fork();
    disk.flip(path, offset, bit).unwrap();
    Log::open(disk, data(), ME, OPTIONS).map(|(_, recovered)| (Content::from(&recovered), recovered.boot))
}

fn written(segment_bytes: u64) -> Member {
    let mut member = Member::new(3, segment_bytes);
    member.open().unwrap();
    for round in 0..3 {
        member.step(&Step::Append { count: 2, bytes: 40, sync: true });
        member.step(&Step::Commit { sync: true });
        if round == 1 {
            member.step(&Step::Snapshot);
        }
        member.step(&Step::Append { count: 1, bytes: 200, sync: true });
        member.step(&Step::Prepare);
    }
    member
}

#[test]
fn every_flipped_bit_of_a_closed_log_is_noticed_or_harmless() {
    let mut member = written(OPTIONS.segment_bytes);
    member.close();
    let (mut refused, mut harmless) = (0, 0);
    assert!(segments(&member.disk).len() >= 3);
    for path in segments(&member.disk) {
        for offset in 0..size(&member.disk, &path) {
            for bit in 0..8 {
                match open_flipped(&member.disk, &path, offset, bit) {
                    Ok((found, boot)) => {
                        assert_eq!(found, *member.latest(), "{} {offset} {bit}", path.display());
                        assert_eq!(boot, 2);
                        harmless += 1;
                    }
                    Err(Error::Damaged { .. }) => refused += 1,
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
    // Padding, and what lies behind a segment's end.
    assert!(harmless < refused, "{harmless} {refused}");
}

#[test]
fn damage_to_the_last_frame_passes_for_a_torn_write() {
    let mut member = written(4096);
    let before = member.latest().clone();
    member.step(&Step::Append { count: 1, bytes: 40, sync: true });
    let (mut lost, mut refused) = (0, 0);
    let path = segments(&member.disk).pop().unwrap();
    for offset in 0..size(&member.disk, &path) {
        match open_flipped(&member.disk, &path, offset, 0) {
            Ok((found, _)) if found == before => lost += 1,
            Ok((found, _)) => assert_eq!(found, *member.latest()),
            Err(Error::Damaged { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(lost > 40, "{lost}");
    assert!(refused > 64, "{refused}");
    // Once something vouches for it, it is missed.
    member.step(&Step::Prepare);
    for offset in 0..size(&member.disk, &path) {
        if let Ok((found, _)) = open_flipped(&member.disk, &path, offset, 0) {
            assert_eq!(found, *member.latest());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_flipped_bit_never_changes_what_is_read(
        script in prop::collection::vec(step(), 1..60),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..8_u8), 32),
    ) {
        let mut member = Member::new(5, OPTIONS.segment_bytes);
        member.open().unwrap();
        for step in &script {
            member.step(step);
        }
        member.close();
        let segments = segments(&member.disk);
        for (path, offset, bit) in flips {
            let path = path.get(&segments);
            let offset = offset.index(size(&member.disk, path));
            if let Ok((found, _)) = open_flipped(&member.disk, path, offset, bit) {
                prop_assert_eq!(&found, member.latest());
            }
        }
    }
}

#[test]
fn a_missing_segment_is_noticed() {
    let mut member = written(OPTIONS.segment_bytes);
    member.close();
    let segments = segments(&member.disk);
    // But for the first, which the snapshot makes up for; and the last: before it was begun, that was the whole log.
    for missing in &segments[1..segments.len() - 1] {
        let disk = member.disk.fork();
        disk.remove(missing).unwrap();
        let error = Log::open(disk, data(), ME, OPTIONS).unwrap_err();
        let Error::Damaged { damage, .. } = &error else { panic!("{error}") };
        assert!(matches!(damage, Damage::SegmentMissing(_) | Damage::StartMissing { .. }), "{error}");
        assert!(error.to_string().contains("remove it from the cluster and add it again"), "{error}");
    }
}

#[test]
fn a_log_that_is_gone_while_there_are_snapshots_is_noticed() {
    let mut member = written(OPTIONS.segment_bytes);
    member.close();
    for path in segments(&member.disk) {
        member.disk.remove(&path).unwrap();
    }
    let error = Log::open(member.disk.clone(), data(), ME, OPTIONS).unwrap_err();
    assert!(matches!(error, Error::Damaged { damage: Damage::LogMissing, .. }), "{error}");
}
