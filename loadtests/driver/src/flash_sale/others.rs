//! Those who buy other things while everybody wants one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    Drive, Limit, Rate, RunError,
    engine::{self, Plan},
    ledger,
    seed::Ware,
    summary::{Phase, Progress, Summary},
    synthetic::{Choice, Lines, Load},
};

/// How many products they choose from.
const PRODUCTS: usize = 300;
/// How many there are of each: none runs out.
const STOCK: u64 = 1_000_000_000;
/// Connections of their own, so that they don't wait in the driver behind those who want one thing.
const CONNECTIONS: usize = 64;

/// Orders of one line each for other products, all of them alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Others {
    /// Orders a second.
    pub rate: Rate,
    /// How long before the sale they begin, and how long after that as many who want anything order beside them as will in the
    /// sale: what the sale is compared with.
    pub before: Duration,
}

impl Others {
    /// Their products, the first 300 of synthetic load.
    pub fn wares() -> Vec<Ware> {
        let load = Load { skus: PRODUCTS, ..Load::default() };
        load.wares(STOCK).expect("300 products are fewer than there can be")
    }

    /// Sends for as long as they go before the sale.
    pub(super) async fn before(self, sale: &Drive) -> Result<Summary, RunError> {
        self.alone(sale, "before", 1).await
    }

    /// The same beside as many a second as the sale will have, who want anything: all that the sale asks of the shop but its
    /// heat.
    pub(super) async fn crowded(self, sale: &Drive, rate: Rate) -> Result<Summary, RunError> {
        let crowd = Self { rate, ..self }.load(4);
        let drive = Drive { connections: sale.connections, ..self.drive(sale, "crowd") };
        let crowd = engine::run(drive.clone(), crowd.plan(&drive), |_| {});
        let (others, _) = futures::future::try_join(self.alone(sale, "crowded", 3), crowd).await?;
        Ok(others)
    }

    async fn alone(self, sale: &Drive, when: &str, seed: u64) -> Result<Summary, RunError> {
        let drive = self.drive(sale, when);
        let plan = self.load(seed).plan(&drive);
        engine::run(drive, plan, |_| {}).await
    }

    fn drive(self, sale: &Drive, when: &str) -> Drive {
        drive(sale, when, self.before.max(Duration::from_millis(1)))
    }

    /// Runs a plan, and sends until all of it is decided: the plan's summary, and that of these.
    pub(super) async fn beside(
        self,
        sale: Drive,
        plan: Plan,
        mut progress: impl FnMut(&Progress) + Send + 'static,
    ) -> Result<(Summary, Summary), RunError> {
        let over = Arc::new(AtomicBool::new(false));
        let drive = drive(&sale, "during", sale.limit.sending + sale.retry.give_up_after + sale.settle_within);
        let others = engine::run(drive.clone(), until(&over, self.load(2).plan(&drive)), |_| {});
        let decided = Arc::clone(&over);
        let sale = async {
            let run = engine::run(sale, plan, move |now| {
                if now.phase == Phase::Reading {
                    decided.store(true, Relaxed);
                }
                progress(now);
            });
            let run = run.await;
            over.store(true, Relaxed);
            run
        };
        futures::future::try_join(sale, others).await
    }

    fn load(self, seed: u64) -> Load {
        Load { rate: Some(self.rate), lines: Lines::one(), skus: PRODUCTS, choice: Choice::Uniform, seed }
    }
}

/// A run beside the sale's, with a ledger beside its own.
fn drive(sale: &Drive, when: &str, sending: Duration) -> Drive {
    let run = format!("{}-{when}", sale.run);
    let folder = sale.ledger.as_deref().and_then(std::path::Path::parent);
    Drive {
        ledger: folder.map(|folder| ledger::path(folder, &run)),
        run,
        connections: CONNECTIONS.min(sale.connections),
        limit: Limit { sending, ..Limit::default() },
        gate: None,
        ..sale.clone()
    }
}

/// A plan that ends when `over` says so.
fn until(over: &Arc<AtomicBool>, plan: Plan) -> Plan {
    let over = Arc::clone(over);
    match plan {
        Plan::Open { orders, inventory, items } => {
            let items = Box::new(items.take_while(move |_| !over.load(Relaxed)));
            Plan::Open { orders, inventory, items }
        }
        Plan::Saturated { orders } => {
            Plan::Saturated { orders: Box::new(orders.take_while(move |_| !over.load(Relaxed))) }
        }
    }
}
