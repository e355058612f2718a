//! Sending at planned times.

use std::{cell::RefCell, rc::Rc};

use tokio::task::JoinSet;

use super::{
    Drive, Plan, Planned, Work,
    clock::Clock,
    lane::{Job, Lane, Queue, Supply},
    tally::Tally,
    worker::Worker,
};
use crate::http::Connection;

/// After how many overdue requests in a row the connections get a turn.
const BURST: u32 = 32;
/// Connections for stock adjustments: in a replay there is one for every few orders.
const ADJUSTING: usize = 8;

/// Sends everything, and returns when each request has been answered or given up.
pub(super) async fn send(drive: &Drive, plan: Plan, clock: Clock, tally: &Rc<RefCell<Tally>>) {
    let mut workers = JoinSet::new();
    let mut start = |lane: Lane, connection: Connection| {
        let worker = Worker { lane, connection, retry: drive.retry, clock, tally: tally.clone() };
        workers.spawn_local(worker.work());
    };
    match plan {
        Plan::Saturated { orders } => {
            let supply = Rc::new(Supply::new(orders, drive.limit, clock));
            for n in 0..drive.connections {
                start(Lane::Supply(supply.clone()), Connection::new(drive.orders.clone(), n));
            }
        }
        Plan::Open { items, inventory, .. } => {
            let queues = Queues::default();
            for n in 0..drive.connections {
                start(Lane::Queue(queues.orders.clone()), Connection::new(drive.orders.clone(), n));
            }
            for (n, targets) in inventory.iter().cycle().take(ADJUSTING).enumerate() {
                start(Lane::Queue(queues.adjustments.clone()), Connection::new(targets.clone(), n));
            }
            queues.fill(drive, items, clock, tally).await;
        }
    }
    while workers.join_next().await.is_some() {}
}

#[derive(Default)]
struct Queues {
    orders: Rc<Queue>,
    adjustments: Rc<Queue>,
}

impl Queues {
    /// Puts each request into its queue at its time, and closes the queues after the last.
    async fn fill(&self, drive: &Drive, items: impl Iterator<Item = Planned>, clock: Clock, tally: &RefCell<Tally>) {
        let mut overdue = 0;
        for Planned { at, work } in items {
            if at > drive.limit.sending || tally.borrow().planned() >= drive.limit.orders {
                break;
            }
            if at > clock.elapsed() {
                overdue = 0;
                tokio::time::sleep_until(clock.instant(at)).await;
            } else {
                overdue += 1;
                if overdue % BURST == 0 {
                    tokio::task::yield_now().await;
                }
            }
            match work {
                Work::Order(_) if !tally.borrow_mut().plan_order(drive.in_flight) => {}
                Work::Order(_) => self.orders.push(Job { planned: at, work }),
                Work::Adjustment(_) => {
                    tally.borrow_mut().plan_adjustment();
                    self.adjustments.push(Job { planned: at, work });
                }
            }
        }
        self.orders.close();
        self.adjustments.close();
    }
}
