//! `./plumbline order`: places one order and shows its way.

use std::{path::Path, str::FromStr, time::Duration};

use contracts::{
    InvalidQuantity, InvalidSku, OrderId, Quantity, Sku, Timestamp,
    order::{Hop, Order, OrderStatus, PlaceLine, PlaceOrder, Rejection},
    page::Page,
};
use reqwest::Client;

use crate::{
    CommandError,
    endpoints::{self, HttpError},
    output::{self, Tone},
    reach::Reach,
    table::{Cell, Table},
    units,
};

/// Place one order, wait for the shop's decision, and show each hop of its way
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  ./plumbline order 85123A=6 22423=1
  ./plumbline order 85123A=6 --customer 17850 --key my-order-1    the key makes a retry safe
  ./plumbline order 85123A=6 --order-url http://127.0.0.1:8081    of a shop started elsewhere")]
pub(crate) struct PlaceOne {
    /// What to order, and how many
    #[arg(value_name = "SKU=QTY", required = true)]
    lines: Vec<Line>,

    /// Who orders
    #[arg(long, value_name = "ID")]
    customer: Option<String>,

    /// An Idempotency-Key: the same order with the same key is placed once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// How long to wait for the decision, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u8).range(..=30))]
    wait: u8,

    #[command(flatten)]
    reach: Reach,
}

#[derive(Debug, Clone)]
struct Line {
    sku: Sku,
    quantity: Quantity,
}

#[derive(Debug, thiserror::Error)]
enum InvalidLine {
    #[error("must look like 85123A=6")]
    Form,
    #[error("the SKU {0}")]
    Sku(#[from] InvalidSku),
    #[error("the quantity {0}")]
    Quantity(#[from] InvalidQuantity),
}

impl FromStr for Line {
    type Err = InvalidLine;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (sku, quantity) = text.rsplit_once('=').ok_or(InvalidLine::Form)?;
        let number: i64 = quantity.parse().map_err(|_| InvalidQuantity)?;
        Ok(Self { sku: sku.parse()?, quantity: number.try_into()? })
    }
}

impl PlaceOne {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let base = self.reach.order_urls(data_dir).await?.swap_remove(0);
        let client = Client::new();
        let (order, trace) = self.place(&client, &base).await?;
        let timeline = timeline(&client, &base, order.id).await?;
        output::line(render(&order, &timeline, output::colour()).trim_end())?;
        if let (Some(trace), Some(page)) = (trace, self.reach.traces(data_dir).await) {
            output::line(format_args!("\ntrace {page}/trace/{trace}"))?;
        }
        Ok(())
    }

    async fn place(&self, client: &Client, base: &str) -> Result<(Order, Option<String>), HttpError> {
        let url = format!("{base}/orders");
        let body =
            PlaceOrder { customer_id: self.customer.clone(), lines: self.lines.iter().map(Line::to_body).collect() };
        let patience = Duration::from_secs(u64::from(self.wait) + 5);
        let mut request = client.post(&url).header("Prefer", format!("wait={}", self.wait)).timeout(patience);
        if let Some(key) = &self.key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = request.json(&body).send().await;
        let trace = answer.as_ref().ok().and_then(trace_of);
        Ok((endpoints::read(&url, answer).await?, trace))
    }
}

/// The trace that an answer's `traceresponse` names: version, trace, span and flags.
fn trace_of(answer: &reqwest::Response) -> Option<String> {
    let context = answer.headers().get("traceresponse")?.to_str().ok()?;
    context.split('-').nth(1).map(str::to_owned)
}

impl Line {
    fn to_body(&self) -> PlaceLine {
        PlaceLine { sku: self.sku.to_string(), quantity: self.quantity.get().into() }
    }
}

async fn timeline(client: &Client, base: &str, id: OrderId) -> Result<Vec<Hop>, HttpError> {
    let url = format!("{base}/orders/{id}/timeline");
    let page: Page<Hop> = endpoints::read(&url, client.get(&url).send().await).await?;
    Ok(page.items)
}

fn render(order: &Order, timeline: &[Hop], colour: bool) -> String {
    let tone = match order.status {
        OrderStatus::Confirmed => Tone::Good,
        OrderStatus::Pending => Tone::Pending,
        OrderStatus::Rejected | OrderStatus::Cancelled => Tone::Bad,
    };
    let status = tone.paint(order.status.as_str(), colour);
    let mut text = format!("order {}  {status}  {}\n\n{}\n", order.id, order.total, lines(order).render(colour));
    if let Some(rejection) = &order.rejection {
        text += &format!("\n{}\n", explain(rejection));
    }
    text + "\n" + &way(timeline).render(colour)
}

fn lines(order: &Order) -> Table {
    let mut table = Table::new([Cell::text("SKU"), Cell::number("QUANTITY"), Cell::number("PRICE")]);
    for line in &order.lines {
        table.row([Cell::text(&line.sku), Cell::number(line.quantity), Cell::number(line.unit_price)]);
    }
    table
}

fn explain(rejection: &Rejection) -> String {
    match rejection {
        Rejection::ReservationExpired => "its reservation ran out before the order was confirmed".to_owned(),
        Rejection::InsufficientStock { lines } => {
            let lacking = lines.iter().map(|line| {
                format!("not enough of {}: {} asked for, {} available", line.sku, line.requested, line.available)
            });
            lacking.collect::<Vec<_>>().join("\n")
        }
    }
}

/// Each hop, and how long after the first it was.
fn way(timeline: &[Hop]) -> Table {
    let mut table = Table::new([Cell::text("STEP"), Cell::text("SERVICE"), Cell::number("AFTER"), Cell::text("AT")]);
    let first: Option<Timestamp> = timeline.first().map(|hop| hop.at);
    for hop in timeline {
        let micros = first.map_or(0, |first| hop.at.micros_since(first));
        let sign = if micros < 0 { "-" } else { "" };
        let after = units::time(Duration::from_micros(micros.unsigned_abs()));
        let step = serde_json::to_value(hop.step).ok().and_then(|step| step.as_str().map(str::to_owned));
        table.row([
            Cell::text(step.unwrap_or_default()),
            Cell::text(&hop.service),
            Cell::number(format_args!("{sign}{after}")),
            Cell::text(hop.at).toned(Tone::Faint),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_sku_and_a_quantity() {
        let line: Line = "BAG 500=12".parse().unwrap();
        assert_eq!((line.sku.as_str(), line.quantity.get()), ("BAG 500", 12));
        for (text, reason) in [("85123A", "look like"), ("=1", "SKU"), ("A=0", "quantity"), ("A=1.5", "quantity")] {
            let error = text.parse::<Line>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
