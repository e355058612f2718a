//! Taking the order service's news, so that nobody waits for stock that it does not want.
//!
//! One lock is taken for all products of a batch. Where another has one of them, because everybody wants it, the orders that
//! don't are decided first, by a transaction of their own, and what is left waits in line. While it does, what comes behind the
//! batch is treated alike: orders for other products are decided, orders for the same wait along, and share the lock and the
//! transaction when it is their turn. What would take more than that is kept for afterwards, and then nothing more is taken
//! beside.
//!
//! Positions of the inbox are moved by the transaction that takes the last of it, and by no other.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Instant};

use contracts::Timestamp;
use messaging::{
    consumer::{Batch, Feed, HandleError},
    crash, relay,
};
use telemetry::context::TraceContext;

use crate::{
    domain::OrderEvent,
    events::read,
    locking::{Access, Locking, Tried},
    metric_definitions::METRICS,
    store::{Cancelled, OrderNews, Part, Store, Taken, With},
};

/// How many products that others have are looked for in a batch, before all of it waits.
const MOST_HELD: usize = 4;

/// How many batches are taken together at most, beside a lock that is waited for, and of how many news that wait for it the
/// next is still taken.
const MOST_BATCHES: usize = 16;
const MOST_WAITING: usize = 2_000;

/// Batches on their way.
pub(crate) struct Taking<'a, 'f> {
    store: &'a Store,
    locking: &'a Locking,
    relay: &'a relay::Waker,
    feed: &'a mut Feed<'f>,
    taken: Taken,
}

/// Which products of a batch nobody else has.
enum Free {
    All(Access),
    /// All but these.
    But(BTreeSet<String>, Access),
    /// They are to be waited for.
    Unknown,
}

impl<'a, 'f> Taking<'a, 'f> {
    pub(crate) fn begin(
        store: &'a Store,
        locking: &'a Locking,
        relay: &'a relay::Waker,
        feed: &'a mut Feed<'f>,
    ) -> Self {
        Self { store, locking, relay, feed, taken: Taken::default() }
    }

    /// Has a batch taken, with the stock of its products locked, and with it what comes behind it while that is waited for.
    ///
    /// # Errors
    /// The lock was not to be had, it was lost, or the database failed. Then some orders may be decided all the same, as the
    /// batch finds when it comes again.
    pub(crate) async fn take(mut self, batch: &Arc<Batch>) -> Result<Taken, HandleError> {
        let (mut news, trace) = (read(batch), batch.trace());
        loop {
            let cancelled = self.store.cancelled(&news, trace).await?;
            let asked = Instant::now();
            let (access, mut late) = match self.find(&news, &cancelled, trace).await {
                Free::All(access) => (access, OrderNews::default()),
                Free::But(held, access) => {
                    let apart = news.part(&held);
                    self.commit(Part::First(&apart), Cancelled::default(), (access, asked), trace).await?;
                    self.wait_beside(&mut news, &cancelled, trace).await?
                }
                Free::Unknown => (wait(self.locking, news.skus(&cancelled), trace).await?, OrderNews::default()),
            };
            if late.is_empty() {
                self.commit(Part::Rest(&news), cancelled, (access, asked), trace).await?;
                return Ok(self.taken);
            }
            // Only the last transaction sets aside what can't be understood: should all come again, that is not found as done.
            late.broken.splice(..0, news.broken.drain(..));
            self.commit(Part::First(&news), cancelled, (access, asked), trace).await?;
            news = late;
        }
    }

    /// Waits for the stock of these news, and takes meanwhile what comes and can be taken without it. What is wanted of the
    /// same stock is added to `news`; answers what takes more than that, to be taken behind them.
    async fn wait_beside(
        &mut self,
        news: &mut OrderNews,
        cancelled: &Cancelled,
        trace: Option<TraceContext>,
    ) -> Result<(Access, OrderNews), HandleError> {
        let ours: BTreeSet<String> = news.skus(cancelled).into_iter().map(str::to_owned).collect();
        let mut waiting = pin!(wait(self.locking, ours.iter().map(String::as_str), trace));
        let mut late = OrderNews::default();
        loop {
            let goes_on = late.is_empty() && self.feed.batches().len() < MOST_BATCHES && news.told.len() < MOST_WAITING;
            let batch = tokio::select! {
                biased;
                access = &mut waiting => return Ok((access?, late)),
                batch = self.feed.more(), if goes_on => batch,
            };
            let mut more = read(&batch);
            let apart = more.part(&ours);
            late.append(more.part_beyond(&ours));
            news.append(more);
            late.append(self.take_free(apart, batch.trace()).await?);
        }
    }

    /// Takes those orders whose stock nobody has, and answers the others.
    async fn take_free(&mut self, mut news: OrderNews, trace: Option<TraceContext>) -> Result<OrderNews, HandleError> {
        if news.is_empty() {
            return Ok(news);
        }
        let (cancelled, asked) = (Cancelled::default(), Instant::now());
        let (free, access) = match self.find(&news, &cancelled, trace).await {
            Free::All(access) => (std::mem::take(&mut news), access),
            Free::But(held, access) => (news.part(&held), access),
            Free::Unknown => return Ok(news),
        };
        self.commit(Part::First(&free), cancelled, (access, asked), trace).await?;
        Ok(news)
    }

    async fn commit(
        &mut self,
        part: Part<'_>,
        cancelled: Cancelled,
        (access, asked): (Access, Instant),
        trace: Option<TraceContext>,
    ) -> Result<(), HandleError> {
        let is_first = matches!(part, Part::First(_));
        if is_first && part.news().is_empty() {
            return Ok(());
        }
        let with = With { batches: self.feed.batches(), access: &access, waited: asked.elapsed(), trace };
        let taken = self.locking.noted(self.store.take(part, cancelled, with).await)?;
        self.relay.wake();
        for told in &part.news().told {
            if let OrderEvent::Confirmed(order) = told.event
                && let Some(age) = order.age(Timestamp::now())
            {
                METRICS.confirmed(age, told.item.trace());
            }
        }
        self.taken = taken.after(self.taken);
        if is_first {
            crash::point("consumer.part-taken");
        }
        Ok(())
    }

    async fn find(&self, news: &OrderNews, cancelled: &Cancelled, trace: Option<TraceContext>) -> Free {
        let mut held = BTreeSet::new();
        let mut skus = news.skus(cancelled);
        loop {
            match self.locking.try_lock(skus.iter().copied(), trace).await {
                Tried::Had(access) if held.is_empty() => return Free::All(access),
                Tried::Had(access) => return Free::But(held, access),
                Tried::Held(sku) if held.len() < MOST_HELD && skus.remove(sku.as_str()) => drop(held.insert(sku)),
                Tried::Held(_) | Tried::Unknown => return Free::Unknown,
            }
        }
    }
}

async fn wait(
    locking: &Locking,
    skus: impl IntoIterator<Item = &str>,
    trace: Option<TraceContext>,
) -> Result<Access, HandleError> {
    locking.lock(skus, trace).await.map_err(|error| {
        let source = Box::new(error);
        HandleError::Unready { class: "not_locked", source }
    })
}
