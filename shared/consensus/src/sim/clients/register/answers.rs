//! What a client makes of its answers.

use bytes::Bytes;

use super::{Calling, RegisterClient};
use crate::{
    api::etcdserverpb::{RangeResponse, TxnResponse, response_op},
    sim::{
        checks::{Change, Ticket},
        clients::Desk,
        linearizable::Outcome,
        violation::{Broken, Rule},
    },
    store::{self, Outcome as Applied},
};

impl RegisterClient {
    pub(super) fn applied(
        &mut self,
        calling: Calling,
        outcome: Result<Applied, store::Error>,
        desk: &mut Desk<'_>,
    ) -> Result<(), Broken> {
        let registers = &mut desk.checks.registers;
        match (calling, outcome) {
            (Calling::Write(changes), Ok(Applied::Put(response))) => {
                let revision = self.heard(response.header);
                acknowledge(changes, revision, desk);
            }
            (Calling::Write(changes), Ok(Applied::Txn(response))) => {
                let revision = self.heard(response.header);
                acknowledge(changes, revision, desk);
            }
            (Calling::Swap(ticket, change), Ok(Applied::Txn(response))) => {
                let revision = self.heard(response.header);
                if response.succeeded {
                    acknowledge(vec![(ticket, change)], revision, desk);
                } else {
                    let held = held_by(&response);
                    self.saw(&ticket.key, held.as_ref());
                    registers.end(&ticket, Outcome::Holds(held), desk.now);
                }
            }
            (Calling::Delete(ticket), Ok(Applied::DeleteRange(response))) => {
                let revision = self.heard(response.header);
                let (key, deleted) = (ticket.key.clone(), response.deleted > 0);
                registers.end(&ticket, Outcome::Deleted(deleted), desk.now);
                if deleted {
                    registers.acknowledge(revision, Change { key, value: None });
                }
            }
            (Calling::Compact(revision), Ok(Applied::Compact(_))) => {
                desk.checks.compacted = desk.checks.compacted.max(revision);
            }
            (Calling::Compact(_), Err(store::Error::Compacted | store::Error::FutureRevision)) => {}
            (_, outcome) => {
                let detail = format!("client {} was answered {outcome:?}", self.number);
                return Err(Broken::new(Rule::Linearizable, detail));
            }
        }
        Ok(())
    }

    pub(super) fn read(
        &mut self,
        calling: &Calling,
        outcome: Result<RangeResponse, store::Error>,
        desk: &mut Desk<'_>,
    ) -> Result<(), Broken> {
        match (calling, outcome) {
            (Calling::Read(ticket), Ok(response)) => {
                let held = response.kvs.first().map(|found| found.value.clone());
                self.heard(response.header);
                self.saw(&ticket.key, held.as_ref());
                desk.checks.registers.end(ticket, Outcome::Holds(held), desk.now);
                Ok(())
            }
            (Calling::ReadHere(key), Ok(response)) => {
                let revision = response.header.as_ref().map_or(0, |header| header.revision);
                as_it_was(key, revision, &response, desk)
            }
            (Calling::ReadPast { key, revision, gone }, Ok(response)) if revision >= gone => {
                as_it_was(key, *revision, &response, desk)
            }
            (Calling::ReadPast { revision, gone, .. }, Ok(_)) => {
                let detail = format!("revision {revision} can be read after a compaction at {gone} was acknowledged");
                Err(Broken::new(Rule::GoneIsGone, detail))
            }
            (Calling::ReadPast { .. }, Err(store::Error::Compacted)) => Ok(()),
            (_, outcome) => {
                let detail = format!("client {} read {outcome:?}", self.number);
                Err(Broken::new(Rule::Linearizable, detail))
            }
        }
    }
}

fn acknowledge(changes: Vec<(Ticket, Change)>, revision: i64, desk: &mut Desk<'_>) {
    for (ticket, change) in changes {
        desk.checks.registers.end(&ticket, Outcome::Done, desk.now);
        desk.checks.registers.acknowledge(revision, change);
    }
}

/// A read at a revision shows what the one history says of it.
fn as_it_was(key: &Bytes, revision: i64, response: &RangeResponse, desk: &Desk<'_>) -> Result<(), Broken> {
    let held = response.kvs.first().map(|found| &found.value);
    let expected = desk.checks.revisions.value_at(key, revision);
    if held == expected {
        return Ok(());
    }
    let detail = format!("{key:?} at revision {revision} was {expected:?}, and is read as {held:?}");
    Err(Broken::new(Rule::ReplicasEqual, detail))
}

fn held_by(response: &TxnResponse) -> Option<Bytes> {
    match response.responses.first()?.response.as_ref()? {
        response_op::Response::ResponseRange(range) => range.kvs.first().map(|found| found.value.clone()),
        _ => None,
    }
}
