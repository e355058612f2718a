//! Orders and returns from lines.

use std::collections::{HashMap, HashSet};

use contracts::{CustomerId, Quantity, Sku, StockLine, order::MAX_LINES};
use time::PrimitiveDateTime;

use super::{Happening, Product, Reading, Return, Sale, Skip, goods::is_goods, read::Line};

/// A line that belongs to an order.
pub(super) struct Sold {
    invoice: usize,
    pub(super) sku: Sku,
    pub(super) quantity: Quantity,
    pub(super) description: String,
    pub(super) price_pence: i64,
}

/// A line that belongs to a return.
struct TakenBack {
    invoice: usize,
    line: StockLine,
}

struct Invoice {
    number: String,
    at: PrimitiveDateTime,
    customer: Option<CustomerId>,
}

/// The file's invoices, and the lines of them that may be kept.
pub(super) struct Sorted {
    invoices: Vec<Invoice>,
    pub(super) sold: Vec<Sold>,
    taken_back: Vec<TakenBack>,
}

/// Parts sales from returns, and leaves out the lines that can be neither.
pub(super) fn sort(lines: Vec<Line>, reading: &mut Reading) -> Sorted {
    let mut sorted = Sorted { invoices: Vec::new(), sold: Vec::new(), taken_back: Vec::new() };
    let mut places: HashMap<String, usize> = HashMap::new();
    for line in lines {
        let invoice = *places.entry(line.invoice.clone()).or_insert_with(|| {
            let invoice = Invoice { number: line.invoice.clone(), at: line.at, customer: line.customer.clone() };
            sorted.invoices.push(invoice);
            sorted.invoices.len() - 1
        });
        if let Err(why) = sorted.keep(invoice, line) {
            reading.skipped.count(why, 1);
        }
    }
    reading.invoices = sorted.invoices.len() as u64;
    reading.cancellations = sorted.invoices.iter().filter(|invoice| is_cancellation(&invoice.number)).count() as u64;
    sorted.leave_out_long_invoices(reading);
    sorted
}

fn is_cancellation(invoice: &str) -> bool {
    invoice.starts_with(['C', 'c'])
}

impl Sorted {
    fn keep(&mut self, invoice: usize, line: Line) -> Result<(), Skip> {
        if !is_goods(&line.code) {
            return Err(Skip::NotGoods);
        }
        let sku = Sku::try_from(line.code.as_str()).map_err(|_| Skip::NoSku)?;
        if is_cancellation(&line.invoice) {
            if line.quantity >= 0 {
                return Err(Skip::NothingReturned);
            }
            let quantity = line.quantity.checked_neg().ok_or(Skip::TooMany)?;
            let quantity = Quantity::try_from(quantity).map_err(|_| Skip::TooMany)?;
            self.taken_back.push(TakenBack { invoice, line: StockLine { sku, quantity } });
            return Ok(());
        }
        if line.quantity <= 0 {
            return Err(Skip::WriteOff);
        }
        if line.price_pence <= 0 {
            return Err(Skip::NoPrice);
        }
        let quantity = Quantity::try_from(line.quantity).map_err(|_| Skip::TooMany)?;
        let Line { description, price_pence, .. } = line;
        self.sold.push(Sold { invoice, sku, quantity, description, price_pence });
        Ok(())
    }

    fn leave_out_long_invoices(&mut self, reading: &mut Reading) {
        let mut lengths: HashMap<usize, usize> = HashMap::new();
        for line in &self.sold {
            *lengths.entry(line.invoice).or_default() += 1;
        }
        let before = self.sold.len();
        self.sold.retain(|line| lengths[&line.invoice] <= MAX_LINES);
        reading.skipped.count(Skip::LongInvoice, (before - self.sold.len()) as u64);
    }
}

/// Puts the kept lines into their invoices, and these in order.
pub(super) fn build(sorted: Sorted, products: &[Product], reading: &mut Reading) -> Vec<Happening> {
    let known: HashSet<&Sku> = products.iter().map(|product| &product.sku).collect();
    let mut lines: Vec<Vec<StockLine>> = sorted.invoices.iter().map(|_| Vec::new()).collect();
    for Sold { invoice, sku, quantity, .. } in sorted.sold {
        lines[invoice].push(StockLine { sku, quantity });
        reading.order_lines += 1;
    }
    for TakenBack { invoice, line } in sorted.taken_back {
        if known.contains(&line.sku) {
            lines[invoice].push(line);
            reading.return_lines += 1;
        } else {
            reading.skipped.count(Skip::UnknownReturn, 1);
        }
    }
    let mut happenings = Vec::with_capacity(lines.len());
    for (Invoice { number: invoice, at, customer }, lines) in sorted.invoices.into_iter().zip(lines) {
        if lines.is_empty() {
            reading.invoices_skipped += 1;
        } else if is_cancellation(&invoice) {
            reading.returns += 1;
            happenings.push(Happening::Return(Return { invoice, at, lines }));
        } else {
            reading.orders += 1;
            happenings.push(Happening::Sale(Sale { invoice, at, customer, lines }));
        }
    }
    happenings.sort_by_key(Happening::at);
    happenings
}
