//! What was acknowledged, and the idempotency keys, against the orders there are.

use contracts::OrderId;

use super::Check;
use crate::{Acknowledged, Subject, acknowledged::Ledger, case::Case, findings::Findings};

/// The ledger during one look: what of it was met so far.
pub(crate) struct Roll<'l> {
    ledger: &'l Ledger<'l>,
    met: Vec<Met>,
}

#[derive(Clone, Copy, Default)]
struct Met {
    order: bool,
    key: bool,
}

impl<'l> Roll<'l> {
    pub(crate) fn new(ledger: &'l Ledger<'l>) -> Self {
        Self { ledger, met: vec![Met::default(); ledger.notes.len()] }
    }

    pub(crate) fn examine(&mut self, case: &Case, findings: &mut Findings) {
        if case.order.is_some()
            && let Some(place) = self.ledger.of_order(case.id)
        {
            self.met[place].order = true;
        }
        findings.examined(Check::AcknowledgedExists, case.keys.len() as u64);
        for key in &case.keys {
            self.examine_key(key, case, findings);
        }
        if let [one, other, ..] = case.keys.as_slice() {
            let what = format!("expected one idempotency key, found {}: {one:?}, {other:?}", case.keys.len());
            findings.wrong(Check::AcknowledgedExists, Subject::Order(case.id), what);
        }
    }

    /// A key is stored in its order's transaction, so whether the driver knows it or not, its order is there.
    fn examine_key(&mut self, key: &str, case: &Case, findings: &mut Findings) {
        let note = self.ledger.of_key(key).map(|place| {
            self.met[place].key = true;
            self.ledger.notes[place]
        });
        if let Some(Acknowledged { id: Some(id), run, .. }) = note
            && *id != case.id
        {
            let found = case.id;
            let what = format!("expected its key {key:?} (run {run}) to stand for it, found it to stand for {found}");
            findings.wrong(Check::AcknowledgedExists, Subject::Order(*id), what);
        }
        if case.order.is_none() {
            let what = format!("expected it to stand for an order, found none with its id {}", case.id);
            findings.wrong(Check::AcknowledgedExists, Subject::Key(key.to_owned()), what);
        }
    }

    /// Says what was not met when every case was examined.
    pub(crate) fn finish(self, findings: &mut Findings) {
        findings.examined(Check::AcknowledgedExists, self.met.len() as u64);
        for (note, met) in self.ledger.notes.iter().zip(&self.met) {
            if let Some((id, what)) = missing(note, *met) {
                findings.wrong(Check::AcknowledgedExists, Subject::Order(id), what);
            }
        }
        for (subject, what) in &self.ledger.contradictions {
            findings.wrong(Check::AcknowledgedExists, subject.clone(), what.clone());
        }
    }
}

fn missing(Acknowledged { run, id, key }: &Acknowledged, met: Met) -> Option<(OrderId, String)> {
    let id = (*id)?;
    let what = match met {
        Met { order: true, key: true } => return None,
        Met { order: false, .. } => format!("expected an order, acknowledged under {key:?} (run {run}), found none"),
        Met { key: false, .. } => format!("expected its key {key:?} (run {run}) to be stored, found it nowhere"),
    };
    Some((id, what))
}
