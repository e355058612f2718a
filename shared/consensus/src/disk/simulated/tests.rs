use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::SmallRng;

use super::Simulated;
use crate::disk::{Disk, File};

const OLD: [u8; 1200] = [1; 1200];
const NEW: [u8; 1200] = [2; 1200];

fn path() -> &'static Path {
    Path::new("/dir/file")
}

/// A disk with one file that is there for good.
fn with_old() -> Simulated {
    let disk = Simulated::new(1);
    disk.make_dir(Path::new("/dir")).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    let file = disk.create(path()).unwrap();
    file.write_at(0, &OLD).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(Path::new("/dir")).unwrap();
    disk
}

/// What is in the file after each of many crashes.
fn after_crashes(change: impl Fn(&Simulated)) -> BTreeSet<Option<Vec<u8>>> {
    let crash = |seed| {
        let disk = with_old();
        change(&disk);
        let disk = disk.crash(&mut SmallRng::seed_from_u64(seed));
        disk.exists(path()).unwrap().then(|| disk.open(path()).unwrap().read_all().unwrap())
    };
    (0..300).map(crash).collect()
}

#[test]
fn what_was_synced_stays() {
    assert_eq!(after_crashes(|_| {}), BTreeSet::from([Some(OLD.to_vec())]));
}

#[test]
fn what_was_not_is_torn_at_bytes_and_between_sectors() {
    let found = after_crashes(|disk| disk.open(path()).unwrap().write_at(0, &NEW).unwrap());
    let found: Vec<_> = found.into_iter().flatten().collect();
    assert!(found.contains(&OLD.to_vec()));
    assert!(found.contains(&NEW.to_vec()));
    assert!(found.iter().any(|bytes| bytes[0] == 2 && bytes[100] == 1), "no write was cut off within a sector");
    assert!(found.iter().any(|bytes| bytes[0] == 1 && bytes[600] == 2), "no sectors were written out of order");
    assert!(found.iter().all(|bytes| bytes.len() == OLD.len() && bytes.iter().all(|byte| [1, 2].contains(byte))));
}

#[test]
fn names_that_were_not_synced_may_or_may_not_be_there() {
    assert_eq!(after_crashes(|disk| disk.remove(path()).unwrap()), BTreeSet::from([None, Some(OLD.to_vec())]));
    let found = after_crashes(|disk| {
        let other = disk.create(Path::new("/dir/other")).unwrap();
        other.write_at(0, &NEW).unwrap();
        other.sync_data().unwrap();
        disk.rename(Path::new("/dir/other"), path()).unwrap();
    });
    assert_eq!(found, BTreeSet::from([Some(OLD.to_vec()), Some(NEW.to_vec())]));
}

#[test]
fn a_failed_sync_cannot_be_made_good_by_another() {
    let found = after_crashes(|disk| {
        let file = disk.open(path()).unwrap();
        file.write_at(0, &NEW).unwrap();
        disk.fail_next_sync(io::ErrorKind::Other);
        file.sync_data().unwrap_err();
        assert_eq!(file.read_all().unwrap(), NEW, "the cache has it all the same");
        file.sync_data().unwrap();
    });
    // The disk's own seed decides.
    assert_eq!(found.len(), 1);
}

#[test]
fn a_full_disk_takes_what_it_has_room_for() {
    let disk = with_old();
    let file = disk.open(path()).unwrap();
    disk.set_free(Some(10));
    file.write_at(0, &NEW).unwrap();
    let error = file.write_at(1190, &[3; 30]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.len().unwrap(), 1210);
    disk.set_free(None);
    disk.fail_write_after(5, io::ErrorKind::StorageFull);
    file.write_at(0, &[4; 8]).unwrap_err();
    assert_eq!(file.read_all().unwrap()[..8], [4, 4, 4, 4, 4, 2, 2, 2]);
    file.write_at(0, &[4; 8]).unwrap();
}

#[test]
fn without_power_nothing_works_until_the_restart() {
    let disk = with_old();
    let file = disk.open(path()).unwrap();
    disk.crash_after(1);
    file.write_at(0, &NEW).unwrap();
    file.sync_data().unwrap_err();
    disk.list(Path::new("/dir")).unwrap_err();
    let restarted = disk.crash(&mut SmallRng::seed_from_u64(1));
    file.read_all().unwrap_err();
    disk.open(path()).unwrap_err();
    restarted.open(path()).unwrap();
}

#[test]
fn a_lock_is_held_once_and_ends_with_its_holder() {
    let disk = with_old();
    let lock = disk.lock(path()).unwrap();
    assert!(lock.is_some());
    assert!(disk.lock(path()).unwrap().is_none());
    let restarted = disk.restart();
    let taken = restarted.lock(path()).unwrap();
    assert!(taken.is_some());
    drop(lock);
    assert!(restarted.lock(path()).unwrap().is_none(), "the dead holder's end frees nothing");
}
