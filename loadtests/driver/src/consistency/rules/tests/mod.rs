//! Histories that are right are accepted, and whatever is made wrong in one is found.

mod model;

use std::time::Duration;

use contracts::consistency::Level;
use proptest::prelude::*;

use self::model::{Model, OLDEST, history};
use super::{Findings, Rule, check};
use crate::consistency::history::{Act, Fault, History, Operation, Outcome, Shown, Stock};

/// One in which each kind of violation can be planted: it is long.
fn long(seed: u64) -> History {
    history(&Model { seed, operations: 600, unknown: 0.0, ..Model::default() })
}

fn found(history: &History) -> Vec<(Rule, usize)> {
    let Findings { violations, .. } = check(history, &OLDEST);
    violations.iter().map(|violation| (violation.rule, violation.operation)).collect()
}

/// The place of the first operation of which this holds.
fn first(history: &History, holds: impl Fn(usize, &Operation) -> bool) -> usize {
    let place = history.operations.iter().enumerate().position(|(n, operation)| holds(n, operation));
    place.expect("a long history has one of each")
}

/// The same of what not every history has: in the first that has one, from a seed on.
fn first_from(seed: u64, holds: impl Fn(&History, usize, &Operation) -> bool) -> (History, usize) {
    let histories = (0..100).map(|more| long(seed.wrapping_add(more)));
    let mut found = histories.filter_map(|history| {
        let place = history.operations.iter().enumerate().position(|(n, operation)| holds(&history, n, operation))?;
        Some((history, place))
    });
    found.next().expect("one in a hundred has it")
}

fn shown(history: &mut History, n: usize) -> &mut Shown {
    match &mut history.operations[n].act {
        Act::Read { outcome: Outcome::Acknowledged(shown), .. } => shown,
        other => panic!("{other:?} shows nothing"),
    }
}

fn stock(history: &mut History, n: usize) -> &mut Stock {
    match &mut history.operations[n].act {
        Act::Write { outcome: Outcome::Acknowledged(stock), .. } => stock,
        other => panic!("{other:?} is no acknowledged write"),
    }
}

/// Has a read show another version of its product, with the value that this version has.
fn show(history: &mut History, n: usize, version: u64) {
    let operation = &history.operations[n];
    let product = operation.product;
    let written = history.operations.iter().filter(|other| other.product == product).filter_map(Operation::written);
    let mut known = written.map(|(_, stock)| stock).chain([history.products[product as usize].first]);
    let available = known.find(|stock| stock.version == version).map(|stock| stock.available);
    let shown = shown(history, n);
    (shown.version, shown.available) = (version, available);
}

fn reads(level: Level) -> impl Fn(&Operation) -> bool {
    move |operation| operation.shown().is_some_and(|(read, _)| read == level)
}

/// The newest version that some of the operations before `n` on the same product have.
fn newest(history: &History, n: usize, which: impl Fn(&Operation, &Operation) -> bool) -> Option<u64> {
    let it = &history.operations[n];
    let before = |other: &&Operation| other.product == it.product && other.end < it.begin && which(other, it);
    history.operations.iter().filter(before).filter_map(Operation::version).max()
}

fn acknowledged(other: &Operation, _: &Operation) -> bool {
    other.written().is_some()
}

fn own(other: &Operation, it: &Operation) -> bool {
    other.session == it.session && other.written().is_some()
}

fn seen(other: &Operation, it: &Operation) -> bool {
    other.session == it.session && other.shown().is_some_and(|(_, shown)| shown.told)
}

proptest! {
    // Each is of hundreds of operations.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn right_histories_are_accepted(seed: u64, clients in 1_u32..8, products in 1_u32..4, unknown in 0.0..0.5) {
        let model = Model { seed, clients, products, unknown, ..Model::default() };
        prop_assert_eq!(found(&history(&model)), []);
    }

    #[test]
    fn a_strong_read_that_lacks_an_acknowledged_write_is_found(seed: u64) {
        let mut history = long(seed);
        let n = first(&history, |n, read| reads(Level::Strong)(read) && newest(&history, n, acknowledged).is_some());
        let least = newest(&history, n, acknowledged).unwrap();
        show(&mut history, n, least - 1);
        prop_assert!(found(&history).contains(&(Rule::Linearizable, n)));
    }

    #[test]
    fn a_strong_read_older_than_a_strong_read_before_it_is_found(seed: u64) {
        let strong = |other: &Operation, _: &Operation| reads(Level::Strong)(other);
        // The write that the first has shown is still under way: nothing else tells that it is there.
        let (mut history, n) = first_from(seed, |history, n, read| {
            reads(Level::Strong)(read) && newest(history, n, strong) > newest(history, n, acknowledged)
        });
        let least = newest(&history, n, strong).unwrap();
        show(&mut history, n, least - 1);
        prop_assert!(found(&history).contains(&(Rule::Linearizable, n)));
    }

    #[test]
    fn a_write_that_comes_before_one_that_had_ended_is_found(seed: u64) {
        let mut history = long(seed);
        let n = first(&history, |_, operation| operation.written().is_some());
        let late = history.operations.iter().map(|operation| operation.end).max().unwrap();
        (history.operations[n].begin, history.operations[n].end) = (late + Duration::from_millis(1), late * 2);
        prop_assert!(found(&history).contains(&(Rule::Linearizable, n)));
    }

    #[test]
    fn a_session_without_its_own_write_is_found(seed: u64, monotonic: bool) {
        let mut history = long(seed);
        let level = if monotonic { Level::Monotonic } else { Level::Session };
        let n = first(&history, |n, read| reads(level)(read) && newest(&history, n, own).is_some());
        let least = newest(&history, n, own).unwrap();
        show(&mut history, n, least - 1);
        prop_assert!(found(&history).contains(&(Rule::ReadYourWrites, n)));
    }

    #[test]
    fn a_session_that_goes_back_behind_what_it_was_shown_is_found(seed: u64) {
        let mut history = long(seed);
        let n = first(&history, |n, read| {
            reads(Level::Monotonic)(read)
                && newest(&history, n, seen) > newest(&history, n, own).max(Some(1))
        });
        let least = newest(&history, n, seen).unwrap();
        show(&mut history, n, least - 1);
        prop_assert!(found(&history).contains(&(Rule::MonotonicReads, n)));
        // The same is all right for a session that asks for no more than its own writes.
        let Act::Read { level, .. } = &mut history.operations[n].act else { unreachable!("it is a read") };
        *level = Level::Session;
        prop_assert!(!found(&history).iter().any(|(rule, _)| *rule == Rule::MonotonicReads));
    }

    #[test]
    fn a_copy_that_is_too_old_is_found(seed: u64) {
        let mut history = long(seed);
        let n = first(&history, |_, read| {
            reads(Level::Eventual)(read) && read.shown().is_some_and(|(_, shown)| OLDEST.of(shown.by).is_some())
        });
        let shown = shown(&mut history, n);
        shown.age = OLDEST.of(shown.by).unwrap() + Duration::from_millis(1);
        prop_assert_eq!(found(&history), [(Rule::NotTooOld, n)]);
    }

    #[test]
    fn an_age_that_is_understated_is_found(seed: u64) {
        let mut history = long(seed);
        let some_time = Duration::from_millis(3);
        let long_ago = |other: &Operation, it: &Operation| acknowledged(other, it) && other.end + some_time < it.begin;
        let n = first(&history, |n, read| {
            read.shown().is_some_and(|(_, shown)| Some(shown.version) < newest(&history, n, long_ago))
        });
        shown(&mut history, n).age = Duration::ZERO;
        prop_assert_eq!(found(&history), [(Rule::HonestAge, n)]);
    }

    #[test]
    fn what_shows_a_write_that_begins_later_is_found(seed: u64) {
        let mut history = long(seed);
        let later = |read: &Operation| {
            let begins = |write: &&Operation| write.product == read.product && write.begin > read.end;
            history.operations.iter().filter(begins).find_map(Operation::written).map(|(_, stock)| stock.version)
        };
        let n = first(&history, |_, read| read.shown().is_some() && later(read).is_some());
        let version = later(&history.operations[n]).unwrap();
        show(&mut history, n, version);
        prop_assert!(found(&history).contains(&(Rule::NothingFromTheFuture, n)));
    }

    #[test]
    fn a_value_that_is_not_its_versions_is_found(seed: u64, by in 1_i64..5) {
        let mut history = long(seed);
        let n = first(&history, |_, read| read.shown().is_some_and(|(_, shown)| shown.available.is_some()));
        *shown(&mut history, n).available.as_mut().unwrap() += by;
        prop_assert!(found(&history).iter().any(|(rule, _)| *rule == Rule::OneValueAVersion));
    }

    #[test]
    fn two_writes_of_one_version_are_found(seed: u64) {
        let mut history = long(seed);
        let n = first(&history, |_, operation| operation.written().is_some_and(|(_, stock)| stock.version > 2));
        stock(&mut history, n).version -= 1;
        prop_assert!(found(&history).iter().any(|(rule, _)| *rule == Rule::OneValueAVersion));
    }

    #[test]
    fn a_lost_update_is_found(seed: u64) {
        let mut history = long(seed);
        let n = first(&history, |_, operation| operation.written().is_some());
        // Its version and all later ones are as they would be had it changed nothing.
        let (delta, Stock { version, .. }) = history.operations[n].written().unwrap();
        let product = history.operations[n].product;
        for operation in history.operations.iter_mut().filter(|operation| operation.product == product) {
            match &mut operation.act {
                Act::Write { outcome: Outcome::Acknowledged(stock), .. } if stock.version >= version => {
                    stock.available -= delta;
                }
                Act::Read { outcome: Outcome::Acknowledged(shown), .. } if shown.version >= version => {
                    shown.available = shown.available.map(|available| available - delta);
                }
                _ => {}
            }
        }
        prop_assert_eq!(found(&history), [(Rule::OneValueAVersion, n)]);
    }

    #[test]
    fn what_nobody_has_written_is_found(seed: u64, refused: bool) {
        let mut history = long(seed);
        let n = first(&history, |n, write| write.written().is_some() && newest(&history, n, acknowledged).is_some());
        let Act::Write { delta, .. } = history.operations[n].act else { unreachable!("it is a write") };
        let fault = Fault::Status(409);
        let outcome = if refused { Outcome::Refused(fault) } else { Outcome::Unknown(fault) };
        history.operations[n].act = Act::Write { delta, outcome };
        let found = found(&history);
        // That a write of unknown outcome was made is no wonder.
        prop_assert_eq!(found.iter().any(|(rule, _)| *rule == Rule::OneValueAVersion), refused, "{:?}", found);
    }

    #[test]
    fn a_write_of_unknown_outcome_that_is_shown_before_it_began_is_found(seed: u64) {
        let mut history = long(seed);
        let n = first(&history, |_, operation| operation.written().is_some());
        let Act::Write { delta, .. } = history.operations[n].act else { unreachable!("it is a write") };
        let late = history.operations.iter().map(|operation| operation.end).max().unwrap();
        let outcome = Outcome::Unknown(Fault::Status(503));
        (history.operations[n].begin, history.operations[n].end) = (late * 2, late * 3);
        history.operations[n].act = Act::Write { delta, outcome };
        prop_assert!(found(&history).iter().any(|(rule, _)| *rule == Rule::NothingFromTheFuture));
    }
}

#[test]
fn what_weaker_levels_show_is_told_and_is_no_violation() {
    let history = long(7);
    let Findings { behind, violations } = check(&history, &OLDEST);
    assert_eq!(violations, []);
    for level in Level::ALL {
        let of = |stronger: Level| {
            let it = |n: &usize| reads(level)(&history.operations[*n]) && behind[*n].of(stronger);
            (0..history.operations.len()).filter(it).count()
        };
        let expected = match level {
            Level::Strong => [false; 3],
            Level::Session => [true, false, true],
            Level::Monotonic => [true, false, false],
            Level::Eventual => [true; 3],
        };
        let weaker = [Level::Strong, Level::Session, Level::Monotonic].map(|stronger| of(stronger) > 0);
        assert_eq!(weaker, expected, "{level}");
    }
}

#[test]
fn nothing_is_wrong_in_a_history_of_nothing() {
    assert_eq!(check(&History::default(), &OLDEST), Findings::default());
}
