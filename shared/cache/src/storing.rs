//! Storing what was loaded, unless it was changed meanwhile, and giving leases back.

use futures::future::join_all;
use tokio::time::sleep;

use crate::{
    cache::Inner,
    entry::Entry,
    metric_definitions::METRICS,
    register::Refused,
    server::{Found, Step, Taken},
};

/// How often a server that does not answer is told what follows a load.
const ATTEMPTS: usize = 3;

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
            What::Entry { lineage, entry } => match register.filled(*lineage, self.lease, entry.as_ref().clone()) {
                Ok(filled) => Step::Write(filled),
                // Whoever waits for this load need not any longer.
                Err(Refused::Superseded | Refused::Older) if register.is_leased_to(self.lease) => {
                    Step::Write(register.released(true))
                }
                Err(_) => Step::Leave,
            },
            What::Nothing | What::GiveBack if register.is_leased_to(self.lease) => {
                Step::Write(register.released(matches!(self.what, What::GiveBack)))
            }
            What::Nothing | What::GiveBack => Step::Leave,
        }
    }

    fn count(&self, kind: &'static str, taken: Taken) {
        let outcome = match taken {
            Taken::Written => "stored",
            Taken::Left | Taken::Contended => "refused",
            Taken::Away => "away",
        };
        if matches!(self.what, What::Entry { .. }) {
            METRICS.filled(kind, outcome, 1);
        }
    }
}

/// Stores what was loaded, or gives the leases back. Where a server is slow it is tried again: until a lease is given back,
/// others wait for it.
pub(crate) async fn store(inner: &Inner, kind: &'static str, fills: Vec<(String, Fill)>) {
    let each = inner.by_server(fills).into_iter().map(async |(server, mut fills)| {
        for attempt in 1.. {
            let taken = server.using().step(&fills, Fill::step).await;
            let mut left = Vec::new();
            for (fill, taken) in fills.into_iter().zip(taken) {
                if taken == Taken::Away && attempt < ATTEMPTS && !server.is_away() {
                    left.push(fill);
                } else {
                    fill.1.count(kind, taken);
                }
            }
            if left.is_empty() {
                break;
            }
            fills = left;
            sleep(inner.config.patience).await;
        }
    });
    join_all(each).await;
}
