//! What looks find: a violation counts when two looks in a row saw it.

use std::collections::HashSet;

use crate::{Check, Outcome, Subject, Violation, report::SHOWN};

/// What one look has found so far, with what the look before had found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    tallies: [Tally; Check::ALL.len()],
}

#[derive(Debug, Default)]
struct Tally {
    examined: u64,
    /// Whom the look before found wrong.
    before: HashSet<Subject>,
    /// Whom this look finds wrong.
    now: HashSet<Subject>,
    /// How many are in both.
    lasting: u64,
    /// The first of those.
    first: Vec<Violation>,
}

impl Findings {
    /// Begins the look after this one.
    pub(crate) fn next(self) -> Self {
        Self { tallies: self.tallies.map(|tally| Tally { before: tally.now, ..Tally::default() }) }
    }

    pub(crate) fn examined(&mut self, check: Check, things: u64) {
        self.tallies[check as usize].examined += things;
    }

    /// Notes a violation. What is wrong twice with one subject counts once, as it was said first.
    pub(crate) fn wrong(&mut self, check: Check, subject: Subject, what: String) {
        let tally = &mut self.tallies[check as usize];
        let lasts = tally.before.contains(&subject);
        if !tally.now.insert(subject.clone()) || !lasts {
            return;
        }
        tally.lasting += 1;
        if tally.first.len() < SHOWN {
            tally.first.push(Violation { subject, what });
        }
    }

    /// How many violations this look has found, lasting or not.
    pub(crate) fn seen(&self) -> usize {
        self.tallies.iter().map(|tally| tally.now.len()).sum()
    }

    /// What is to be reported: violations that the look before had found too.
    pub(crate) fn into_outcomes(mut self) -> Vec<Outcome> {
        let outcome = |check: Check| {
            let Tally { examined, lasting, first, .. } = std::mem::take(&mut self.tallies[check as usize]);
            Outcome { name: check, description: check.description(), examined, violations: lasting, first }
        };
        Check::ALL.into_iter().map(outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use contracts::OrderId;

    use super::*;

    const CHECK: Check = Check::EveryOrderIsFinal;

    fn violations(findings: Findings) -> Vec<(Check, Vec<Violation>)> {
        let wrong = findings.into_outcomes().into_iter().filter(|outcome| outcome.violations > 0);
        wrong.map(|outcome| (outcome.name, outcome.first)).collect()
    }

    #[test]
    fn what_one_look_saw_does_not_count() {
        let [passing, staying, new] = [0; 3].map(|_| Subject::Order(OrderId::generate()));
        let mut findings = Findings::default();
        findings.wrong(CHECK, passing.clone(), "1".into());
        findings.wrong(CHECK, staying.clone(), "1".into());
        findings.wrong(Check::TotalsAddUp, new.clone(), "1".into());
        assert_eq!(findings.seen(), 3);

        let mut findings = findings.next();
        findings.wrong(CHECK, staying.clone(), "2".into());
        findings.wrong(CHECK, new.clone(), "2".into());
        assert_eq!(findings.seen(), 2);
        assert_eq!(violations(findings), [(CHECK, vec![Violation { subject: staying, what: "2".into() }])]);
    }

    #[test]
    fn what_was_right_in_between_begins_anew() {
        let subject = Subject::Sku("A".into());
        let mut findings = Findings::default();
        findings.wrong(CHECK, subject.clone(), "1".into());
        let mut findings = findings.next().next();
        findings.wrong(CHECK, subject, "3".into());
        assert!(violations(findings).is_empty());
    }

    #[test]
    fn every_violation_counts_and_the_first_are_named() {
        let subjects: Vec<Subject> = (0..SHOWN + 5).map(|n| Subject::Key(n.to_string())).collect();
        let mut findings = Findings::default();
        for _ in 0..2 {
            findings = findings.next();
            for subject in &subjects {
                findings.examined(CHECK, 1);
                findings.wrong(CHECK, subject.clone(), "once".into());
                findings.wrong(CHECK, subject.clone(), "twice".into());
            }
        }
        let outcome = findings.into_outcomes().into_iter().find(|outcome| outcome.name == CHECK).unwrap();
        assert_eq!((outcome.examined, outcome.violations), (25, 25));
        assert_eq!(outcome.first.len(), SHOWN);
        assert!(outcome.first.iter().all(|violation| violation.what == "once"));
    }
}
