//! After the last answer: waiting until orders are final, and reading them back.

use std::{cell::RefCell, time::Duration};

use contracts::{
    OrderId, Timestamp,
    order::OrderStatus,
    page::{MAX_LIMIT, Page},
};
use serde::Deserialize;
use tokio::time::Instant;

use super::{Drive, tally::Tally};
use crate::{
    http::{Call, Connection, Failure, Outcome, Retry, encoded, exchange, path},
    summary::Phase,
};

/// How long reading back may take in all.
const READ_WITHIN: Duration = Duration::from_secs(300);
/// How long a service may be away while it is read.
const AWAY: Duration = Duration::from_secs(15);
const LONGEST_POLL: Duration = Duration::from_millis(500);

#[derive(Debug, thiserror::Error)]
enum ReadBackError {
    #[error("the order service did not list its orders: {0}")]
    Unanswered(Failure),
    #[error("the order service refused to list its orders: {0}")]
    Refused(String),
    #[error("the order service's list is not as agreed: {0}")]
    Body(#[from] serde_json::Error),
    #[error("reading the orders back took longer than {} s", READ_WITHIN.as_secs())]
    TooLong,
}

/// What is read of an order.
#[derive(Deserialize)]
struct Row {
    id: OrderId,
    status: OrderStatus,
    decided_at: Option<Timestamp>,
}

/// Waits until no acknowledged order is pending, at most `drive.settle_within`, and tallies each.
pub(super) async fn settle(drive: &Drive, tally: &RefCell<Tally>) {
    if !tally.borrow().awaits_any() {
        return;
    }
    let since = tally.borrow().started_before();
    let mut orders = Orders { connection: Connection::new(drive.orders.clone(), 0), since };
    let began = Instant::now();
    tally.borrow_mut().enter(Phase::Settling);
    let result = async {
        orders.wait_for_decisions(began + drive.settle_within, tally).await?;
        tally.borrow_mut().settled_after(began.elapsed());
        tally.borrow_mut().enter(Phase::Reading);
        orders.read(tally).await
    };
    if let Err(fault) = result.await {
        tally.borrow_mut().unread(fault.to_string());
    }
}

/// The order service's list of the orders placed since the run began.
struct Orders {
    connection: Connection,
    since: Timestamp,
}

impl Orders {
    async fn wait_for_decisions(&mut self, until: Instant, tally: &RefCell<Tally>) -> Result<(), ReadBackError> {
        let mut pause = Duration::from_millis(20);
        loop {
            let pending = self.page(Some(OrderStatus::Pending), None).await?;
            let ours = pending.items.iter().any(|order| tally.borrow().awaits(&order.id));
            let none = !ours && pending.next_cursor.is_none();
            if none || Instant::now() + pause >= until {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_POLL);
        }
    }

    async fn read(&mut self, tally: &RefCell<Tally>) -> Result<(), ReadBackError> {
        let until = Instant::now() + READ_WITHIN;
        let mut cursor = None;
        loop {
            let page = self.page(None, cursor.as_deref()).await?;
            for Row { id, status, decided_at } in page.items {
                tally.borrow_mut().read_back(id, status, decided_at);
            }
            if page.next_cursor.is_none() || !tally.borrow().awaits_any() {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(ReadBackError::TooLong);
            }
            cursor = page.next_cursor;
        }
    }

    async fn page(&mut self, status: Option<OrderStatus>, cursor: Option<&str>) -> Result<Page<Row>, ReadBackError> {
        let mut query = format!("/orders?placed_after={}&limit={MAX_LIMIT}", encoded(&self.since.to_string()));
        if let Some(status) = status {
            query.push_str(&format!("&status={status}"));
        }
        if let Some(cursor) = cursor {
            query.push_str(&format!("&cursor={}", encoded(cursor)));
        }
        let retry = Retry { give_up_after: AWAY, ..Retry::default() };
        match exchange(&mut self.connection, &Call::get(path(query)), &retry, Instant::now(), |_| {}).await {
            Outcome::Answered(answer) if answer.status.is_success() => Ok(answer.json()?),
            Outcome::Answered(answer) => Err(ReadBackError::Refused(answer.complaint())),
            Outcome::GaveUp { last, .. } => Err(ReadBackError::Unanswered(last)),
        }
    }
}
