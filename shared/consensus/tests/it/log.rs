use std::fs;
use std::path::Path;

use consensus::disk::Real;
use consensus::log::{Error, Identity, Log, Options, Write, snapshot};
use raft::eraftpb::{Entry, HardState};
use tempfile::TempDir;

const ME: Identity = Identity { cluster_id: 1, member_id: 2 };
const OPTIONS: Options = Options { segment_bytes: 64 << 10 };

fn append(log: &mut Log<Real>, index: u64, bytes: usize) {
    let entries = [Entry { index, term: 3, data: vec![index as u8; bytes], ..Entry::default() }];
    let state = HardState { term: 3, vote: 2, commit: index };
    log.write(&Write { number: index, hard_state: Some(&state), entries: &entries, sync: true }).unwrap();
}

fn segments(data: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(data.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_member_finds_its_log_again() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("member");
    for boot in 1..=3 {
        let (mut log, recovered) = Log::open(Real, &data, ME, OPTIONS).unwrap();
        let last = log.last_index();
        assert_eq!(last, (boot - 1) * 100);
        assert_eq!(recovered.boot, boot);
        assert_eq!(recovered.hard_state.commit, last);
        let expected: Vec<_> = (1..=last).map(|index| (index, vec![index as u8; 2_000])).collect();
        let found: Vec<_> = recovered.entries.into_iter().map(|entry| (entry.index, entry.data)).collect();
        assert_eq!(found, expected);
        for index in last + 1..=last + 100 {
            append(&mut log, index, 2_000);
            log.prepare().unwrap();
        }
        // The second ends without a word.
        if boot != 2 {
            log.close().unwrap();
        }
    }
    assert!(segments(&data).len() > 9, "{:?}", segments(&data));
}

#[test]
fn a_snapshot_makes_room() {
    let folder = TempDir::new().unwrap();
    let data = folder.path();
    let (mut log, _) = Log::open(Real, data, ME, OPTIONS).unwrap();
    for index in 1..=200 {
        append(&mut log, index, 2_000);
    }
    let before = segments(data);
    let mut writer = snapshot::Writer::new(Real, data, ME.cluster_id, 200, 3).unwrap();
    let chunk = vec![5; 3 << 20];
    for _ in 0..3 {
        writer.push(&chunk).unwrap();
    }
    let file = writer.finish().unwrap();
    log.mark_snapshot(200, 3, &file).unwrap();
    log.release(200).unwrap();
    let after = segments(data);
    assert_eq!(after.len(), 2, "{after:?}");
    assert_eq!(after[0], before[before.len() - 1]);
    append(&mut log, 201, 10);
    drop(log);
    let (_log, recovered) = Log::open(Real, data, ME, OPTIONS).unwrap();
    let mark = recovered.snapshot.unwrap();
    assert_eq!((mark.index, mark.term, &mark.file), (200, 3, &file));
    assert_eq!(recovered.entries.len(), 1);
    let reader = snapshot::Reader::open(&Real, &snapshot::dir(data).join(file)).unwrap();
    assert_eq!(reader.cluster_id(), ME.cluster_id);
    assert_eq!(reader.map(|chunk| chunk.unwrap().len()).collect::<Vec<_>>(), [3 << 20; 3]);
}

#[test]
fn one_process_at_a_time_has_the_directory() {
    let folder = TempDir::new().unwrap();
    let (log, _) = Log::open(Real, folder.path(), ME, OPTIONS).unwrap();
    let error = Log::open(Real, folder.path(), ME, OPTIONS).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    drop(log);
    Log::open(Real, folder.path(), ME, OPTIONS).unwrap();
}

#[test]
fn a_torn_tail_is_cut_off_and_damage_is_refused() {
    let folder = TempDir::new().unwrap();
    let data = folder.path();
    let (mut log, _) = Log::open(Real, data, ME, OPTIONS).unwrap();
    for index in 1..=10 {
        append(&mut log, index, 1_000);
    }
    drop(log);
    let path = data.join("wal").join(&segments(data)[0]);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 100]).unwrap();
    let (log, recovered) = Log::open(Real, data, ME, OPTIONS).unwrap();
    assert_eq!(recovered.entries.len(), 9);
    assert_eq!(recovered.hard_state.commit, 9);
    drop(log);
    let mut damaged = whole;
    damaged[5_000] ^= 1;
    fs::write(&path, damaged).unwrap();
    let error = Log::open(Real, data, ME, OPTIONS).unwrap_err();
    assert!(matches!(&error, Error::Damaged { path: found, offset: 4_000..5_000, .. } if *found == path), "{error}");
}
