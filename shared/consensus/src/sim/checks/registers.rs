//! The calls about keys.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Change, Revisions};
use crate::sim::{
    linearizable::{self, Call, Operation, Outcome},
    violation::{Broken, Rule},
};

/// What is asked about one key.
pub(crate) type Asked = Operation<Bytes>;

/// Every call about every key, and the writes that were acknowledged.
#[derive(Default)]
pub(crate) struct Registers {
    histories: BTreeMap<Bytes, Vec<Call<Asked, Outcome<Bytes>>>>,
    acknowledged: Vec<(i64, Change)>,
    calls: u64,
}

/// Names a call that has begun.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) key: Bytes,
    place: usize,
}

impl Registers {
    pub(crate) fn begin(&mut self, process: u64, key: &Bytes, operation: Asked, now: u64) -> Ticket {
        let history = self.histories.entry(key.clone()).or_default();
        history.push(Call { process, operation, invoked: now, returned: None });
        self.calls += 1;
        Ticket { key: key.clone(), place: history.len() - 1 }
    }

    /// A call was answered.
    pub(crate) fn end(&mut self, ticket: &Ticket, outcome: Outcome<Bytes>, now: u64) {
        if let Some(call) = self.call(ticket) {
            call.returned = Some((now, outcome));
        }
    }

    /// A call never reached anybody: it becomes a read that nobody heard of, which says nothing.
    pub(crate) fn undo(&mut self, ticket: &Ticket) {
        if let Some(call) = self.call(ticket) {
            call.operation = Operation::Read;
        }
    }

    /// A write was acknowledged, with the revision it made.
    pub(crate) fn acknowledge(&mut self, revision: i64, change: Change) {
        self.acknowledged.push((revision, change));
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Judges all of it, once everything is applied everywhere.
    pub(crate) fn judge(&self, revisions: &Revisions) -> Result<(), Broken> {
        let lost = self.acknowledged.iter().find(|(revision, change)| !revisions.has(*revision, change));
        if let Some((revision, change)) = lost {
            let detail = format!("{change:?} was acknowledged at revision {revision}, and is not there");
            return Err(Broken::new(Rule::AcknowledgedStays, detail));
        }
        for (key, history) in &self.histories {
            linearizable::check_key(history).map_err(|rejection| {
                let detail = format!("key {key:?}: {rejection}\n{}", excerpt(history, &rejection));
                Broken::new(Rule::Linearizable, detail)
            })?;
        }
        Ok(())
    }

    fn call(&mut self, ticket: &Ticket) -> Option<&mut Call<Asked, Outcome<Bytes>>> {
        self.histories.get_mut(&ticket.key)?.get_mut(ticket.place)
    }
}

/// The end of what could be explained, and what could not.
fn excerpt(history: &[Call<Asked, Outcome<Bytes>>], rejection: &linearizable::Rejection) -> String {
    let linearizable::Rejection::NotLinearizable { explained, blocked } = rejection else { return String::new() };
    let shown = explained[explained.len().saturating_sub(4)..].iter().map(|call| ("explained", call));
    let lines = shown.chain(blocked.iter().map(|call| ("blocked", call)));
    lines.map(|(what, call)| format!("  {what} {call}: {:?}\n", history[*call])).collect()
}
