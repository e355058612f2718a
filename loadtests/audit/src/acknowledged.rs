//! What a load driver was told.

use std::collections::{HashMap, hash_map::Entry};

use contracts::OrderId;

use crate::Subject;

/// What a load driver noted of an order that it sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledged {
    /// In which run.
    pub run: String,
    /// The order that the service acknowledged; `None` where no lasting answer came, and the order may exist or not.
    pub id: Option<OrderId>,
    /// The idempotency key that it was sent under.
    pub key: String,
}

/// The same, so that it can be looked up while the databases are read.
#[derive(Debug, Default)]
pub(crate) struct Ledger<'a> {
    /// One a key.
    pub(crate) notes: Vec<&'a Acknowledged>,
    by_key: HashMap<&'a str, usize>,
    by_order: HashMap<OrderId, usize>,
    /// Notes that contradict each other, whatever stands in a database.
    pub(crate) contradictions: Vec<(Subject, String)>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(acknowledged: &'a [Acknowledged]) -> Self {
        let mut ledger = Self::default();
        // Those with an id first, so that of two notes under one key the one that knows more is kept.
        let (known, unknown): (Vec<_>, Vec<_>) = acknowledged.iter().partition(|note| note.id.is_some());
        known.into_iter().chain(unknown).for_each(|note| ledger.add(note));
        ledger
    }

    /// The note of this key, by its place in `notes`.
    pub(crate) fn of_key(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// The note that names this order.
    pub(crate) fn of_order(&self, id: OrderId) -> Option<usize> {
        self.by_order.get(&id).copied()
    }

    fn add(&mut self, note: &'a Acknowledged) {
        if let Some(place) = self.of_key(&note.key) {
            self.compare(note, self.notes[place]);
            return;
        }
        let place = self.notes.len();
        if let Some(id) = note.id {
            match self.by_order.entry(id) {
                Entry::Vacant(free) => drop(free.insert(place)),
                Entry::Occupied(taken) => {
                    let first = self.notes[*taken.get()];
                    let what = format!(
                        "expected one key, found it acknowledged under {:?} (run {}) and {:?} (run {})",
                        first.key, first.run, note.key, note.run
                    );
                    self.contradictions.push((Subject::Order(id), what));
                    return;
                }
            }
        }
        self.by_key.insert(&note.key, place);
        self.notes.push(note);
    }

    /// Notes under one key: a run that was sent again under its name gets the same orders.
    fn compare(&mut self, note: &Acknowledged, first: &Acknowledged) {
        if let (Some(one), Some(other)) = (first.id, note.id)
            && one != other
        {
            let what = format!(
                "expected one order, found {one} (run {}) and {other} (run {}) acknowledged under it",
                first.run, note.run
            );
            self.contradictions.push((Subject::Key(note.key.clone()), what));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(key: &str, id: Option<OrderId>) -> Acknowledged {
        Acknowledged { run: "r1".into(), id, key: key.into() }
    }

    fn subjects(ledger: &Ledger<'_>) -> Vec<Subject> {
        ledger.contradictions.iter().map(|(subject, _)| subject.clone()).collect()
    }

    #[test]
    fn notes_that_agree_count_once() {
        let id = Some(OrderId::generate());
        let notes = [note("a", None), note("a", id), note("a", id), note("b", None), note("b", None)];
        let ledger = Ledger::new(&notes);
        assert_eq!(ledger.notes, [&notes[1], &notes[3]]);
        assert_eq!(subjects(&ledger), []);
    }

    #[test]
    fn notes_that_contradict_each_other_are_found() {
        let [one, other] = [OrderId::generate(), OrderId::generate()];
        let two_keys = [note("a", Some(one)), note("b", Some(one))];
        assert_eq!(subjects(&Ledger::new(&two_keys)), [Subject::Order(one)]);
        let two_orders = [note("a", Some(one)), note("a", Some(other))];
        assert_eq!(subjects(&Ledger::new(&two_orders)), [Subject::Key("a".into())]);
    }
}
