//! The simulator finds each fault that is put in on purpose.

use consensus::{
    faults::{self, Fault},
    sim::{self, Campaign, Plan, Violation},
};

/// Runs seeds until one shows the fault. Returns how many that were, and what it shows.
fn hunt(fault: Fault, from: u64) -> (u64, Violation) {
    let campaign = Campaign { fault: Some(fault), stop_at_first: true, ..Campaign::new(from..from + 2_000) };
    let summary = sim::campaign(&campaign, |_| {});
    let first = summary.violations.into_iter().next();
    let violation = first.unwrap_or_else(|| panic!("{fault} was not found within 2,000 seeds from {from} on"));
    (violation.plan.seed - from + 1, violation)
}

fn size(plan: &Plan) -> usize {
    plan.disturbances.len() + plan.registers + plan.lockers + plan.watchers
}

#[test]
fn every_fault_is_found_within_two_thousand_seeds() {
    for fault in Fault::ALL {
        let mut found: Vec<_> = (0..5).map(|start| hunt(fault, start * 100_000)).collect();
        found.sort_by_key(|(seeds, _)| *seeds);
        let (seeds, violation) = &found[found.len() / 2];
        println!("| {fault} | {seeds} | {} | {} |", found[found.len() - 1].0, violation.rule);
    }
}

#[test]
fn a_violation_repeats_and_shrinks() {
    let (_, violation) = hunt(Fault::WatchGap, 0);
    faults::set(Some(Fault::WatchGap));
    let again = sim::run(&Plan::new(violation.plan.seed)).unwrap_err();
    assert_eq!((again.rule, again.at, again.trace), (violation.rule, violation.at, violation.trace));
    let smallest = sim::shrink(&violation, 300);
    assert_eq!(smallest.rule, violation.rule);
    assert!(size(&smallest.plan) < size(&violation.plan));
    assert_eq!(*sim::run(&smallest.plan).unwrap_err(), smallest);
    assert!(smallest.to_string().contains(&format!("plumbline simulate --seed {}", violation.plan.seed)));
    faults::set(None);
    sim::run(&smallest.plan).unwrap();
}
