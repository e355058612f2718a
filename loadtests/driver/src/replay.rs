//! Sending what really happened once more.

use std::time::Duration;

use contracts::{
    StockLine,
    order::{PlaceLine, PlaceOrder},
    stock::Adjust,
};

use crate::{
    Drive, OperatorToken, Rate, RunError, Targets,
    engine::{self, Plan, Planned, Work},
    http::{Call, encoded, json, path},
    retail::{Happening, Retail, Return, Sale},
    summary::{Progress, Summary},
};

/// The reason of every adjustment that stands for a return.
const REASON: &str = "return";

/// When a file's happenings are sent again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many orders a second, in their order; a return goes with the order after it.
    PerSecond(Rate),
    /// In their own rhythm, so many times as fast: at 3,600, an hour of the shop is a second.
    Faster(Rate),
}

/// Where returns go.
#[derive(Debug, Clone)]
pub struct Returns {
    /// The inventory service's instances.
    pub inventory: Targets,
    /// What changing stock needs.
    pub token: OperatorToken,
}

/// Why a replay could not be made, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The run's limit would end it before its last order.
    #[error("the replay would take {takes:?}, and {limit:?} are allowed: choose a greater rate, or allow more time")]
    TooLong {
        /// How long it would take.
        takes: Duration,
        /// How long it may.
        limit: Duration,
    },
    /// See [`RunError`].
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Sends a file's orders again, open loop, and its returns in between where `returns` says where they go.
///
/// # Errors
/// Where the run's limit is too short, its settings contradict each other, or its ledger can't be written.
pub async fn run(
    drive: Drive,
    retail: &Retail,
    pace: Pace,
    returns: Option<Returns>,
    progress: impl FnMut(&Progress) + Send + 'static,
) -> Result<Summary, ReplayError> {
    let items = items(&drive, &retail.happenings, pace, returns.as_ref());
    let takes = items.last().map_or(Duration::ZERO, |planned| planned.at);
    if takes > drive.limit.sending {
        return Err(ReplayError::TooLong { takes, limit: drive.limit.sending });
    }
    let plan = Plan::Open {
        orders: items.iter().filter(|planned| matches!(planned.work, Work::Order(_))).count() as u64,
        inventory: returns.map(|returns| returns.inventory),
        items: Box::new(items.into_iter()),
    };
    Ok(engine::run(drive, plan, progress).await?)
}

/// Every request with its time, bodies built.
fn items(drive: &Drive, happenings: &[Happening], pace: Pace, returns: Option<&Returns>) -> Vec<Planned> {
    let mut items = Vec::new();
    let mut orders = 0;
    let first = happenings.first().map(Happening::at);
    for happening in happenings {
        let at = match pace {
            Pace::PerSecond(rate) => rate.due(orders),
            Pace::Faster(times) => {
                let since = happening.at() - first.expect("there is a first where there is one");
                since.unsigned_abs().div_f64(times.get())
            }
        };
        match (happening, returns) {
            (Happening::Sale(sale), _) => {
                orders += 1;
                items.push(Planned { at, work: Work::Order(order(drive, sale)) });
            }
            (Happening::Return(taken_back), Some(returns)) => {
                let adjustments = adjustments(drive, taken_back, &returns.token);
                items.extend(adjustments.map(|call| Planned { at, work: Work::Adjustment(call) }));
            }
            (Happening::Return(_), None) => {}
        }
    }
    items
}

fn order(drive: &Drive, sale: &Sale) -> Call {
    let line = |line: &StockLine| PlaceLine { sku: line.sku.to_string(), quantity: u32::from(line.quantity).into() };
    let body = PlaceOrder {
        customer_id: sale.customer.as_ref().map(ToString::to_string),
        lines: sale.lines.iter().map(line).collect(),
    };
    Call::post(path("/orders".to_owned()), json(&body)).with_key(drive.key(&sale.invoice))
}

fn adjustments(drive: &Drive, taken_back: &Return, token: &OperatorToken) -> impl Iterator<Item = Call> {
    taken_back.lines.iter().enumerate().map(|(n, StockLine { sku, quantity })| {
        let body = Adjust { delta: u32::from(*quantity).into(), reason: REASON.to_owned() };
        Call::post(path(format!("/stock/{}/adjustments", encoded(sku.as_str()))), json(&body))
            .with_key(drive.key(format_args!("{}-{n}", taken_back.invoice)))
            .authorized(token.bearer())
    })
}
