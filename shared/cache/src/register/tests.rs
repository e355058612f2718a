use proptest::prelude::*;

use super::*;

const OWN: Lease = Lease { number: 2, sees: 0 };

fn lease(number: u64, sees: u64) -> Lease {
    Lease { number, sees }
}

fn stamp(sees: u64, version: u64) -> Stamp {
    Stamp { sees, shows: sees, version, ..Stamp::default() }
}

fn entry(sees: u64, version: u64) -> Entry {
    Entry { stamp: stamp(sees, version), epoch: 0, fresh_for: 1_000, cost: 5, body: Body::Plain(b"1".to_vec()) }
}

fn holding(sees: u64, version: u64) -> Register {
    Register::begun(1, OWN).filled(1, 2, entry(sees, version)).unwrap()
}

#[test]
fn a_load_that_began_before_a_change_is_not_taken_in() {
    let begun = Register::begun(1, OWN);
    let changed = begun.changed(Fence { position: 50, version: 4 }, 9);
    assert_eq!((changed.lease, changed.stale_since), (None, 0), "others may load, and there is nothing to be stale");
    assert_eq!(changed.filled(1, 2, entry(49, 3)), Err(Refused::Superseded));
    assert!(changed.filled(1, 2, entry(50, 4)).is_ok(), "it has seen the change after all");
    assert!(changed.filled(1, 2, entry(10, 4)).is_ok(), "it has the version, though its snapshot says little");
    assert_eq!(begun.forgotten(7, 9).filled(1, 2, entry(99, 9)), Err(Refused::Forgotten));
}

#[test]
fn a_change_makes_stale_only_what_lacks_it() {
    let held = holding(50, 4);
    assert_eq!(held.changed(Fence { position: 50, version: 4 }, 9).stale_since, 0);
    let stale = held.changed(Fence { position: 60, version: 5 }, 9);
    assert_eq!(stale.stale_since, 9);
    assert_eq!(stale.changed(Fence { position: 70, version: 6 }, 12).stale_since, 9, "since the first");
    let fresh = stale.filled(1, 2, entry(60, 5)).unwrap();
    assert_eq!((fresh.stale_since, fresh.fence), (0, Fence { position: 60, version: 5 }));
    let late = fresh.changed(Fence { position: 40, version: 3 }, 15);
    assert_eq!((late.fence, late.stale_since), (fresh.fence, 0), "a change that is told late lowers nothing");
}

#[test]
fn what_is_written_replaces_what_was_loaded_and_only_if_it_is_newer() {
    assert_eq!(Register::begun(1, OWN).written(entry(50, 4)), Err(Refused::NothingThere));
    let held = holding(50, 4);
    assert_eq!(held.written(entry(60, 5)).unwrap().entry, Some(entry(60, 5)));
    assert_eq!(held.written(entry(60, 3)), Err(Refused::Older), "the version says more than the snapshot");
    let stale = held.changed(Fence { position: 70, version: 6 }, 9);
    assert_eq!(stale.written(entry(60, 5)), Err(Refused::Superseded));
    let spoiled = held.forgotten(3, 9);
    assert_eq!(spoiled.written(entry(60, 5)), Err(Refused::NothingThere), "the unknown change may be newer");
    let again = spoiled.leased(5, lease(8, 0), 0).filled(3, 8, entry(60, 5)).unwrap();
    assert!(!again.spoiled && again.stale_since == 0);
}

#[test]
fn without_versions_snapshots_decide() {
    let held = holding(50, 0);
    assert_eq!(held.written(entry(49, 0)), Err(Refused::Older));
    assert!(held.written(entry(50, 0)).is_ok() && held.written(entry(51, 9)).is_ok());
}

#[test]
fn what_nobody_told_of_for_long_counts_as_gone() {
    let changed = holding(50, 4).changed(Fence { position: 60, version: 5 }, 900);
    assert_eq!(changed.leased(7, lease(8, 0), 900), Register { lease: Some(lease(8, 0)), ..changed.clone() });
    assert_eq!(changed.leased(7, lease(8, 0), 901), Register::begun(7, lease(8, 0)));
    assert_eq!(
        Register::begun(1, OWN).leased(7, lease(8, 0), 901),
        Register::begun(1, lease(8, 0)),
        "who takes over leaves the other its history"
    );
    assert_eq!(Register::default().leased(7, lease(8, 0), 901), Register::begun(7, lease(8, 0)));
}

#[test]
fn a_fence_may_be_a_version_alone() {
    let told = Register::told(1, Fence { position: 0, version: 5 }, 9);
    assert_eq!(told.filled(1, 2, entry(99, 4)), Err(Refused::Superseded));
    assert!(told.filled(1, 2, entry(1, 5)).is_ok());
}

#[test]
fn who_loads_what_includes_more_goes_on() {
    let held = holding(50, 4).leased(7, lease(9, 70), 0);
    let filled = |number, sees| held.filled(1, number, entry(sees, 5)).unwrap().lease;
    assert_eq!(filled(2, 60), held.lease, "another's load lacks what this one must see");
    assert_eq!(filled(2, 70), None, "another's load has it");
    assert_eq!(filled(9, 60), None, "its own has not, and has ended");
}

#[test]
fn who_gives_up_leaves_what_was_there() {
    let held = holding(50, 4).leased(7, lease(9, 0), 0);
    assert_eq!(held.released(true), holding(50, 4));
    assert_eq!(held.released(false), Register { entry: None, ..holding(50, 4) });
}

fn registers() -> impl Strategy<Value = Register> {
    let body = prop_oneof![
        Just(Body::Absent),
        any::<Vec<u8>>().prop_map(Body::Plain),
        any::<Vec<u8>>().prop_map(Body::Deflated)
    ];
    let stamp = any::<(u64, u64, u64, u64)>();
    let stamp = stamp.prop_map(|(sees, shows, read_at, version)| Stamp { sees, shows, read_at, version });
    let entry = (stamp, any::<(u64, u32, u32)>(), body).prop_map(|(stamp, (epoch, fresh_for, cost), body)| Entry {
        stamp,
        epoch,
        fresh_for,
        cost,
        body,
    });
    let head = any::<(u64, Option<(u64, u64)>, u64, u64, u64, u64, bool)>();
    (head, proptest::option::of(entry)).prop_map(
        |((lineage, lease_of, position, version, told_at, stale_since, spoiled), entry)| Register {
            lineage,
            lease: lease_of.map(|(number, sees)| lease(number, sees)),
            fence: Fence { position, version },
            told_at,
            stale_since,
            spoiled,
            entry,
        },
    )
}

proptest! {
    #[test]
    fn every_register_is_read_back(register in registers()) {
        prop_assert_eq!(Register::from_bytes(&register.to_bytes()), Some(register));
    }

    #[test]
    fn bytes_of_others_are_no_register_or_some(bytes in any::<Vec<u8>>()) {
        if let Some(register) = Register::from_bytes(&bytes) {
            prop_assert!(bytes[0] == 3);
            prop_assert!(Register::from_bytes(&register.to_bytes()).is_some());
        }
    }

    #[test]
    fn no_order_of_steps_lowers_a_fence_or_keeps_what_lacks_it_fresh(
        steps in proptest::collection::vec((0..4_u8, 1..40_u64, 1..40_u64), 1..30)
    ) {
        let mut register = Register::begun(1, OWN);
        let mut told = Fence::default();
        for (step, sees, version) in steps {
            let next = match step {
                0 => Ok(register.changed(Fence { position: sees, version }, 9)),
                1 => register.filled(1, 2, entry(sees, version)),
                2 => register.written(entry(sees, version)),
                _ => Ok(register.leased(7, lease(version, sees), 0)),
            };
            if step == 0 {
                told = told.max(Fence { position: sees, version });
            }
            register = next.unwrap_or(register);
            prop_assert_eq!(register.fence, told);
            if let Some(entry) = &register.entry && register.stale_since == 0 {
                prop_assert!(told.admits(&entry.stamp));
            }
        }
    }
}
