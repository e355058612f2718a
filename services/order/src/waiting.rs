//! Requests that wait for an order's decision (`Prefer: wait`).
//!
//! A waiting request costs a map entry, no connection and no task. It is woken by the transaction that decides its
//! order when that runs in this process, and otherwise by one poller, which asks the database about all waiting
//! orders with one statement.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use contracts::{OrderId, consistency::Written};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout_at},
};

use crate::{domain::Decision, store::Store};

/// How often the poller asks while requests wait.
const POLL: Duration = Duration::from_millis(75);

/// The orders that requests of this process wait for. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    orders: Mutex<Orders>,
    /// Told when the first request begins to wait.
    begun: Notify,
}

#[derive(Debug, Default)]
struct Orders {
    waited_for: HashMap<OrderId, watch::Sender<Option<Written<Decision>>>>,
    /// Nobody waits any more.
    over: bool,
}

/// One request's waiting for one order; ends when dropped.
#[derive(Debug)]
pub struct Waiter {
    id: OrderId,
    decision: watch::Receiver<Option<Written<Decision>>>,
    shared: Arc<Shared>,
}

impl Waiting {
    /// Begins to wait for an order's decision. Begin before the order is stored: a decision made earlier is found by
    /// the poller only.
    pub fn wait_for(&self, id: OrderId) -> Waiter {
        let mut orders = self.0.lock();
        let first = orders.waited_for.is_empty();
        let decision = if orders.over {
            watch::channel(None).1
        } else {
            orders.waited_for.entry(id).or_insert_with(|| watch::channel(None).0).subscribe()
        };
        drop(orders);
        if first {
            self.0.begun.notify_one();
        }
        Waiter { id, decision, shared: self.0.clone() }
    }

    /// Lets nobody wait any longer: the service is about to end.
    pub fn give_up(&self) {
        let mut orders = self.0.lock();
        orders.over = true;
        // A waiter whose sender is gone knows that there will be no decision.
        orders.waited_for.clear();
    }

    /// Wakes the requests that wait for `id`. `decision` is only made when there are any.
    pub fn decided(&self, id: OrderId, decision: impl FnOnce() -> Written<Decision>) {
        if let Some(waiters) = self.0.lock().waited_for.remove(&id) {
            // A waiter that has just gone needs no answer.
            let _ = waiters.send(Some(decision()));
        }
    }

    /// Wakes the requests whose orders another instance decided, for as long as the task runs.
    pub fn poll(&self, store: Store) -> JoinHandle<()> {
        let waiting = self.clone();
        tokio::spawn(async move {
            loop {
                waiting.0.begun.notified().await;
                while let Some(ids) = waiting.ids() {
                    sleep(POLL).await;
                    match store.decisions(&ids).await {
                        Ok(decided) => decided.into_iter().for_each(|(id, decision)| waiting.decided(id, || decision)),
                        Err(error) => tracing::warn!(%error, orders = ids.len(), "can't ask for decisions"),
                    }
                }
            }
        })
    }

    /// The orders that are waited for; `None` when there are none.
    fn ids(&self) -> Option<Vec<OrderId>> {
        let orders = self.0.lock();
        (!orders.waited_for.is_empty()).then(|| orders.waited_for.keys().copied().collect())
    }
}

impl Waiter {
    /// The decision, or `None` when there is none by `deadline`, or before the service ends.
    pub async fn decision(mut self, deadline: Instant) -> Option<Written<Decision>> {
        match timeout_at(deadline, self.decision.wait_for(Option::is_some)).await {
            Ok(Ok(decision)) => decision.clone(),
            _ => None,
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Entry::Occupied(waiters) = self.shared.lock().waited_for.entry(self.id)
            // This one is counted still.
            && waiters.get().receiver_count() <= 1
        {
            waiters.remove();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        // Nothing in here panics while it holds the lock, so the map is whole even then.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use contracts::{Timestamp, order::OrderStatus};

    use super::*;

    fn decision() -> Written<Decision> {
        Written::new(Decision { status: OrderStatus::Confirmed, decided_at: Timestamp::now(), rejection: None }, 7)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    #[tokio::test]
    async fn every_waiter_of_an_order_gets_its_decision() {
        let waiting = Waiting::default();
        let id = OrderId::generate();
        let waiters: Vec<_> = (0..20).map(|_| tokio::spawn(waiting.wait_for(id).decision(soon()))).collect();
        let made = decision();
        waiting.decided(id, || made.clone());
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap().as_ref(), Some(&made));
        }
        assert_eq!(waiting.ids(), None);
    }

    #[tokio::test]
    async fn a_waiter_that_gives_up_is_forgotten_and_others_are_not() {
        let waiting = Waiting::default();
        let id = OrderId::generate();
        let stays = waiting.wait_for(id);
        assert_eq!(waiting.wait_for(id).decision(Instant::now()).await, None);
        assert_eq!(waiting.ids(), Some(vec![id]));
        waiting.decided(id, decision);
        assert!(stays.decision(soon()).await.is_some());
    }

    #[tokio::test]
    async fn a_decision_nobody_waits_for_is_not_even_made() {
        Waiting::default().decided(OrderId::generate(), || unreachable!("nobody waits"));
    }

    #[tokio::test]
    async fn nobody_waits_for_a_service_that_ends() {
        let waiting = Waiting::default();
        let before = waiting.wait_for(OrderId::generate());
        waiting.give_up();
        assert_eq!(before.decision(soon()).await, None);
        assert_eq!(waiting.wait_for(OrderId::generate()).decision(soon()).await, None);
    }

    #[tokio::test]
    async fn nobody_left_means_nothing_left() {
        let waiting = Waiting::default();
        drop(waiting.wait_for(OrderId::generate()));
        assert_eq!(waiting.ids(), None);
    }
}
