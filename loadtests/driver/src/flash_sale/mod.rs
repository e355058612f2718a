//! A flash sale: everybody wants one thing, all at once.

mod others;
mod report;

use bytes::Bytes;
use contracts::{
    Sku,
    order::{PlaceLine, PlaceOrder},
};

use crate::{
    Drive, Limit, Rate, RunError,
    engine::{self, Plan, Planned, Work},
    http::{Call, json, path},
    seed::Ware,
    summary::Progress,
};
pub use others::Others;
pub use report::{OthersReport, Ratio, Report};

/// The most buyers.
pub const MAX_BUYERS: u64 = 1_000_000;
/// The most units on sale.
pub const MAX_UNITS: u64 = 1_000_000_000;

/// What one unit costs, in pence, where the shop has no such product yet.
const PRICE_PENCE: i64 = 999;

/// A sale that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSale {
    /// None, or too many.
    #[error("the units on sale must be 1 to {MAX_UNITS}")]
    Units,
    /// None, or too many.
    #[error("the buyers must be 1 to {MAX_BUYERS}")]
    Buyers,
    /// What the others buy is on sale.
    #[error("the other orders buy this product, too: choose another than those of synthetic load, SYN-00001 and on")]
    OthersToo,
}

/// One product, and more buyers than units.
#[derive(Debug, Clone, PartialEq)]
pub struct Sale {
    /// Of what.
    pub sku: Sku,
    /// How many there are.
    pub units: u64,
    /// How many want one; each is a customer of its own.
    pub buyers: u64,
    /// Buyers a second.
    pub rate: Rate,
    /// Who buys other things beside it.
    pub others: Option<Others>,
}

/// Why a sale could not be held, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum SaleError {
    /// See [`InvalidSale`].
    #[error(transparent)]
    Sale(#[from] InvalidSale),
    /// See [`RunError`].
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Sale {
    /// The product with its stock, see [`Seeding::exactly`](crate::seed::Seeding::exactly).
    ///
    /// # Errors
    /// See [`InvalidSale`].
    pub fn ware(&self) -> Result<Ware, InvalidSale> {
        self.check()?;
        let (sku, name) = (self.sku.clone(), format!("Flash sale of {}", self.sku));
        Ok(Ware { sku, name, price_pence: PRICE_PENCE, stock: self.units })
    }

    fn check(&self) -> Result<(), InvalidSale> {
        match self {
            Self { units, .. } if !(1..=MAX_UNITS).contains(units) => Err(InvalidSale::Units),
            Self { buyers, .. } if !(1..=MAX_BUYERS).contains(buyers) => Err(InvalidSale::Buyers),
            Self { sku, others: Some(_), .. } if Others::wares().iter().any(|ware| ware.sku == *sku) => {
                Err(InvalidSale::OthersToo)
            }
            _ => Ok(()),
        }
    }

    fn plan(&self, drive: &Drive) -> Plan {
        let (sku, rate, drive) = (self.sku.clone(), self.rate, drive.clone());
        let buy = move |n: u64| Planned { at: rate.due(n), work: Work::Order(buy(&drive, &sku, n + 1)) };
        Plan::Open { orders: self.buyers, inventory: None, items: Box::new((0..self.buyers).map(buy)) }
    }
}

/// Holds a sale: its product must be in the shop with its stock, and those of the others. Everything but the limit, which is
/// the sale's own, is as `drive` says; the others have runs and ledgers beside its own.
///
/// # Errors
/// The sale or the run's settings make no sense, or a ledger can't be written.
pub async fn run(
    drive: Drive,
    sale: &Sale,
    progress: impl FnMut(&Progress) + Send + 'static,
) -> Result<Report, SaleError> {
    sale.check()?;
    let drive = Drive { limit: Limit { orders: sale.buyers, sending: sale.rate.due(sale.buyers) }, ..drive };
    let plan = sale.plan(&drive);
    let Some(others) = sale.others else {
        let run = engine::run(drive, plan, progress).await?;
        return Ok(Report::new(sale, run, None));
    };
    let before = others.before(&drive).await?;
    let crowded = others.crowded(&drive, sale.rate).await?;
    let (run, during) = others.beside(drive, plan, progress).await?;
    Ok(Report::new(sale, run, Some(OthersReport::new(&before, &crowded, &during))))
}

/// What the `n`th buyer sends.
fn buy(drive: &Drive, sku: &Sku, n: u64) -> Call {
    let line = PlaceLine { sku: sku.to_string(), quantity: 1.into() };
    let body: Bytes = json(&PlaceOrder { customer_id: Some(format!("buyer-{n}")), lines: vec![line] });
    Call::post(path("/orders".to_owned()), body).with_key(drive.key(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Targets;

    fn sale() -> Sale {
        let rate = Rate::new(1_000.0).unwrap();
        Sale { sku: Sku::try_from("FLASH").unwrap(), units: 5, buyers: 20, rate, others: None }
    }

    #[test]
    fn every_buyer_is_a_customer_and_wants_one() {
        let drive = Drive::new(Targets::parse(["http://127.0.0.1:1"]).unwrap());
        let Plan::Open { orders, items, .. } = sale().plan(&drive) else { panic!("a sale is open loop") };
        let (mut customers, mut keys) = (Vec::new(), Vec::new());
        for planned in items {
            let Work::Order(call) = planned.work else { panic!("buyers place orders") };
            let body: PlaceOrder = serde_json::from_slice(call.body()).unwrap();
            assert_eq!((body.lines.len(), body.lines[0].sku.as_str()), (1, "FLASH"));
            assert_eq!(body.lines[0].quantity.as_i64(), Some(1));
            customers.push(body.customer_id.unwrap());
            keys.push(call.key().to_owned());
        }
        for different in [&mut customers, &mut keys] {
            different.sort();
            different.dedup();
            assert_eq!(different.len() as u64, orders);
        }
    }

    #[test]
    fn a_sale_has_units_buyers_and_a_product_of_its_own() {
        assert_eq!(Sale { units: 0, ..sale() }.ware(), Err(InvalidSale::Units));
        assert_eq!(Sale { buyers: 0, ..sale() }.ware(), Err(InvalidSale::Buyers));
        let others = Some(Others { rate: sale().rate, before: std::time::Duration::ZERO });
        let sku = Sku::try_from("SYN-00001").unwrap();
        assert_eq!(Sale { sku, others, ..sale() }.ware(), Err(InvalidSale::OthersToo));
        assert_eq!(Sale { others, ..sale() }.ware().map(|ware| ware.stock), Ok(5));
    }
}
