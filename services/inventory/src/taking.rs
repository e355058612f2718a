//! Taking a batch of the order service's news, so that nobody waits for stock that it does not want.
//!
//! One lock is taken for all products of a batch. Where another has one of them, because everybody wants it, the orders that
//! don't are decided first, by a transaction of their own, and what is left waits in line.

use std::{collections::BTreeSet, time::Instant};

use messaging::{
    consumer::{Batch, HandleError},
    crash,
};
use telemetry::context::TraceContext;

use crate::{
    locking::{Access, Locking, Tried},
    store::{Cancelled, OrderNews, Part, Store, Taken},
};

/// How many products that others have are looked for in a batch, before all of it waits.
const MOST_HELD: usize = 4;

/// Has a batch taken, with the stock of its products locked. Of `news` is left what was not decided before the rest.
///
/// # Errors
/// The lock was not to be had, it was lost, or the database failed. Then some orders may be decided all the same, as the batch
/// finds when it comes again.
pub async fn take(
    (store, locking): (&Store, &Locking),
    batch: &Batch,
    news: &mut OrderNews<'_>,
) -> Result<Taken, HandleError> {
    let trace = batch.trace();
    let cancelled = store.cancelled(news, trace).await?;
    let asked = Instant::now();
    let mut before = Taken::default();
    let access = match find(locking, news, &cancelled, trace).await {
        Free::All(access) => access,
        Free::But(held, access) => {
            let apart = news.part(&held);
            if !apart.told.is_empty() {
                let access = (&access, asked.elapsed());
                let taken = store.take(batch, Part::First(&apart), Cancelled::default(), access).await;
                before = locking.noted(taken)?;
                crash::point("consumer.part-taken");
            }
            drop(access);
            wait(locking, news, &cancelled, trace).await?
        }
        Free::Unknown => wait(locking, news, &cancelled, trace).await?,
    };
    let taken = store.take(batch, Part::Rest(news), cancelled, (&access, asked.elapsed())).await;
    Ok(locking.noted(taken)?.after(before))
}

/// Which products of a batch nobody else has.
enum Free {
    All(Access),
    /// All but these.
    But(BTreeSet<String>, Access),
    /// They are to be waited for.
    Unknown,
}

async fn find(locking: &Locking, news: &OrderNews<'_>, cancelled: &Cancelled, trace: Option<TraceContext>) -> Free {
    let mut held = BTreeSet::new();
    let mut skus = news.skus(cancelled);
    loop {
        match locking.try_lock(skus.iter().copied(), trace).await {
            Tried::Had(access) if held.is_empty() => return Free::All(access),
            Tried::Had(access) => return Free::But(held, access),
            Tried::Held(sku) if held.len() < MOST_HELD && skus.remove(sku.as_str()) => drop(held.insert(sku)),
            Tried::Held(_) | Tried::Unknown => return Free::Unknown,
        }
    }
}

async fn wait(
    locking: &Locking,
    news: &OrderNews<'_>,
    cancelled: &Cancelled,
    trace: Option<TraceContext>,
) -> Result<Access, HandleError> {
    locking.lock(news.skus(cancelled), trace).await.map_err(|error| {
        let source = Box::new(error);
        HandleError::Unready { class: "not_locked", source }
    })
}
