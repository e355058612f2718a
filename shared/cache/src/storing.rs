//! Storing what was loaded, unless it was changed meanwhile, and giving leases back.

use futures::future::join_all;

use crate::{
    cache::Inner,
    entry::Entry,
    metric_definitions::METRICS,
    register::Refused,
    server::{Found, Step, Taken},
};

/// What follows a load.
pub(crate) struct Fill {
    lease: u64,
    what: What,
}

enum What {
    /// The value is stored, in the history in which it was begun.
    Entry { lineage: u64, entry: Box<Entry> },
    /// It can't be, and what there was is gone as well.
    Nothing,
    /// There is none: what there was may stay.
    GiveBack,
}

impl Fill {
    pub(crate) fn entry(lineage: u64, lease: u64, entry: Entry) -> Self {
        Self { lease, what: What::Entry { lineage, entry: Box::new(entry) } }
    }

    pub(crate) fn nothing(lease: u64) -> Self {
        Self { lease, what: What::Nothing }
    }

    pub(crate) fn give_back(lease: u64) -> Self {
        Self { lease, what: What::GiveBack }
    }

    /// The register is read once more, though who loads knows by which number it wrote its lease: after a restart the
    /// server counts from the beginning, and the same number may be another's.
    fn step(&self, found: &Found) -> Step {
        let Found::There { register, .. } = found else { return Step::Leave };
        match &self.what {
            What::Entry { lineage, entry } => match register.filled(*lineage, entry.as_ref().clone()) {
                Ok(filled) => Step::Write(filled),
                // Whoever waits for this load need not any longer.
                Err(Refused::Superseded | Refused::Older) if register.lease == self.lease => {
                    Step::Write(register.released(true))
                }
                Err(_) => Step::Leave,
            },
            What::Nothing | What::GiveBack if register.lease == self.lease => {
                Step::Write(register.released(matches!(self.what, What::GiveBack)))
            }
            What::Nothing | What::GiveBack => Step::Leave,
        }
    }
}

pub(crate) async fn store(inner: &Inner, kind: &'static str, fills: Vec<(String, Fill)>) {
    let each = inner.by_server(fills).into_iter().map(async |(server, fills)| {
        let taken = server.using().step(&fills, Fill::step).await;
        for ((_, fill), taken) in fills.iter().zip(taken) {
            let outcome = match taken {
                Taken::Written => "stored",
                Taken::Left | Taken::Contended => "refused",
                Taken::Away => "away",
            };
            if matches!(fill.what, What::Entry { .. }) {
                METRICS.filled(kind, outcome, 1);
            }
        }
    });
    join_all(each).await;
}
