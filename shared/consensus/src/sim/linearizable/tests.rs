use proptest::prelude::*;

use super::{Call, Model, Operation, Outcome, Register, Rejection, check, check_key};

type History = Vec<Call<Operation<u8>, Outcome<u8>>>;

fn call(
    invoked: u64,
    returned: u64,
    operation: Operation<u8>,
    outcome: Outcome<u8>,
) -> Call<Operation<u8>, Outcome<u8>> {
    Call { process: 0, operation, invoked, returned: Some((returned, outcome)) }
}

fn open(invoked: u64, operation: Operation<u8>) -> Call<Operation<u8>, Outcome<u8>> {
    Call { process: 0, operation, invoked, returned: None }
}

fn write(invoked: u64, returned: u64, value: u8) -> Call<Operation<u8>, Outcome<u8>> {
    call(invoked, returned, Operation::Write(value), Outcome::Done)
}

fn read(invoked: u64, returned: u64, value: Option<u8>) -> Call<Operation<u8>, Outcome<u8>> {
    call(invoked, returned, Operation::Read, Outcome::Holds(value))
}

fn passes(history: &[Call<Operation<u8>, Outcome<u8>>]) -> bool {
    check(&Register::new(), history).is_ok()
}

#[test]
fn reads_see_what_was_written_before_them() {
    assert!(passes(&[write(0, 1, 7), read(2, 3, Some(7))]));
    assert!(!passes(&[write(0, 1, 7), read(2, 3, None)]), "a stale read");
    assert!(!passes(&[read(0, 1, Some(7)), write(2, 3, 7)]), "a read from the future");
}

#[test]
fn of_calls_at_the_same_time_either_may_be_first() {
    assert!(passes(&[write(0, 10, 1), write(0, 10, 2), read(11, 12, Some(1))]));
    assert!(passes(&[write(0, 10, 1), write(0, 10, 2), read(11, 12, Some(2))]));
    let torn = [write(0, 10, 1), write(0, 10, 2), read(11, 12, Some(1)), read(13, 14, Some(2))];
    assert!(!passes(&torn), "two readers disagree on which was last");
}

#[test]
fn a_value_once_seen_does_not_go_back() {
    let history = [write(0, 1, 1), write(2, 20, 2), read(3, 4, Some(2)), read(5, 6, Some(1))];
    assert!(!passes(&history));
    assert_eq!(
        check(&Register::new(), &history),
        Err(Rejection::NotLinearizable { explained: vec![0, 1, 2], blocked: vec![3] })
    );
}

#[test]
fn a_call_without_an_answer_happens_late_or_never_but_once() {
    assert!(passes(&[write(0, 1, 1), open(2, Operation::Write(2)), read(50, 51, Some(1)), read(60, 61, Some(2))]));
    assert!(passes(&[write(0, 1, 1), open(2, Operation::Write(2)), read(50, 51, Some(1))]));
    let twice = [open(0, Operation::Write(1)), read(1, 2, Some(1)), write(3, 4, 2), read(5, 6, Some(1))];
    assert!(!passes(&twice), "applied before the second write, and again after it");
    assert!(!passes(&[read(0, 1, Some(2)), open(2, Operation::Write(2))]), "seen before it was asked for");
}

#[test]
fn a_swap_is_done_for_one_of_two() {
    let swap = |new| Operation::Swap { expected: Some(1), new };
    let one = [write(0, 1, 1), call(2, 9, swap(2), Outcome::Done), call(2, 9, swap(3), Outcome::Holds(Some(2)))];
    assert!(passes(&one));
    let both = [write(0, 1, 1), call(2, 9, swap(2), Outcome::Done), call(2, 9, swap(3), Outcome::Done)];
    assert!(!passes(&both));
    let created = Operation::Swap { expected: None, new: 4 };
    assert!(passes(&[call(0, 1, created, Outcome::Done), call(2, 3, Operation::Delete, Outcome::Deleted(true))]));
    assert!(!passes(&[call(2, 3, Operation::Delete, Outcome::Deleted(true))]));
}

#[test]
fn many_calls_without_an_answer_do_not_stop_the_search() {
    let mut history: History = (0..40).map(|value| open(0, Operation::Write(value))).collect();
    history.extend((0..200).map(|time| read(100 + 2 * time, 101 + 2 * time, Some((time / 5) as u8))));
    assert!(passes(&history));
}

/// Every order of every choice of the open calls: right by its plainness.
fn explained_by_some_order(history: &History, order: &mut Vec<usize>, state: Option<u8>) -> bool {
    let model = Register::new();
    let remaining = |order: &Vec<usize>| (0..history.len()).filter(|call| !order.contains(call)).collect::<Vec<_>>();
    let left = remaining(order);
    if left.iter().all(|call| history[*call].returned.is_none()) {
        return true;
    }
    for &next in &left {
        let returned_before = |other: &usize| {
            history[*other].returned.as_ref().is_some_and(|(returned, _)| *returned < history[next].invoked)
        };
        if left.iter().any(returned_before) {
            continue;
        }
        let Call { operation, returned, .. } = &history[next];
        if let Some(state) = model.step(&state, operation, returned.as_ref().map(|(_, outcome)| outcome)) {
            order.push(next);
            let found = explained_by_some_order(history, order, state);
            order.pop();
            if found {
                return true;
            }
        }
    }
    false
}

fn a_call() -> impl Strategy<Value = Call<Operation<u8>, Outcome<u8>>> {
    let value = 0..3_u8;
    let held = || proptest::option::of(0..3_u8);
    let asked = prop_oneof![
        (Just(Operation::Read), held().prop_map(Outcome::Holds)),
        (value.clone().prop_map(Operation::Write), Just(Outcome::Done)),
        (
            (held(), value).prop_map(|(expected, new)| Operation::Swap { expected, new }),
            prop_oneof![Just(Outcome::Done), held().prop_map(Outcome::Holds)]
        ),
        (Just(Operation::Delete), any::<bool>().prop_map(Outcome::Deleted)),
    ];
    (asked, 0..12_u64, proptest::option::weighted(0.8, 0..6_u64)).prop_map(|((operation, outcome), invoked, lasts)| {
        Call { process: 0, operation, invoked, returned: lasts.map(|lasts| (invoked + lasts, outcome)) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_search_agrees_with_trying_every_order(history in proptest::collection::vec(a_call(), 0..7)) {
        let expected = explained_by_some_order(&history, &mut Vec::new(), None);
        prop_assert_eq!(passes(&history), expected);
        prop_assert_eq!(check_key(&history).is_ok(), expected);
    }

    #[test]
    fn what_is_called_explained_is(history in proptest::collection::vec(a_call(), 1..7)) {
        if let Err(Rejection::NotLinearizable { explained, blocked }) = check(&Register::new(), &history) {
            let model = Register::new();
            let step = |state, call: &usize| {
                let Call { operation, returned, .. } = &history[*call];
                model.step(&state, operation, returned.as_ref().map(|(_, outcome)| outcome))
            };
            prop_assert!(explained.iter().try_fold(None, step).is_some());
            prop_assert!(!blocked.is_empty() && blocked.iter().all(|call| !explained.contains(call)));
        }
    }
}
