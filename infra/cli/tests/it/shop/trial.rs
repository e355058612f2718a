//! A shop of a test's own, with the beginning of the month's orders.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use audit::{Acknowledged, Check, Report, Source};
use contracts::Sku;
use driver::{
    Drive, OperatorToken, Targets, ledger,
    replay::{self, Pace, Returns},
    retail::{Happening, Retail},
    seed::{Seeding, Ware},
    summary::{Progress, Summary},
};
use local::{
    shop::{Config, Part, Service, Shop, State},
    testing,
};
use tempfile::TempDir;
use tokio::{
    sync::{Semaphore, SemaphorePermit, watch},
    task::JoinHandle,
};

/// How long an acknowledged order may take to become final, whatever dies.
const SETTLE: Duration = Duration::from_secs(60);

/// Sold in every trial, apart from the month's products.
pub(crate) const OF_TRIALS: &str = "OF-TRIALS";

/// Orders with more lines are left out. Half of the month's are; and a shop has to be given every product that is ordered,
/// which are three times as many with them.
const MOST_LINES: usize = 12;

/// Two shops at a time: they wait more than they work, but two cores carry no more.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Read once: it is long, and tests are not optimized.
static MONTH: LazyLock<Retail> = LazyLock::new(|| Retail::read(&month()).unwrap());

pub(crate) struct Trial {
    pub(crate) shop: Arc<Shop>,
    orders: usize,
    folder: TempDir,
    _turn: SemaphorePermit<'static>,
}

/// A replay under way.
pub(crate) struct Replay {
    task: JoinHandle<Summary>,
    progress: watch::Receiver<u64>,
}

impl Trial {
    /// A shop whose stock covers three quarters of what the month's first `orders` orders ask for, and with some thousands
    /// of [`OF_TRIALS`].
    pub(crate) async fn open(config: Config, orders: usize) -> Self {
        let turn = TURNS.acquire().await.unwrap();
        let config = Config { trace_store: testing::trace_store(), ..config };
        let shop = Arc::new(Shop::start(config, Arc::new(|_| {})).await.unwrap());
        let trial = Self { shop, orders, folder: tempfile::tempdir().unwrap(), _turn: turn };
        let seeding = Seeding::new(trial.targets(Service::Order), trial.targets(Service::Inventory), trial.token());
        let mut wares = trial.retail().wares("0.75".parse().unwrap());
        let (sku, name) = (Sku::try_from(OF_TRIALS.to_owned()).unwrap(), "Of trials".to_owned());
        wares.push(Ware { sku, name, price_pence: 255, stock: 5_000 });
        seeding.run(&wares, |_| {}).await.unwrap();
        trial
    }

    /// The orders and returns begin, so many orders a second.
    pub(crate) fn replay(&self, rate: u32) -> Replay {
        let (told, progress) = watch::channel(0);
        let retail = self.retail();
        let mut drive = Drive::new(self.targets(Service::Order));
        drive.settle_within = SETTLE;
        drive.ledger = Some(ledger::path(self.folder.path(), &drive.run));
        let returns = Returns { inventory: self.targets(Service::Inventory), token: self.token() };
        let pace = Pace::PerSecond(rate.to_string().parse().unwrap());
        let tell = move |progress: &Progress| {
            told.send_replace(progress.acknowledged);
        };
        let run = async move { replay::run(drive, &retail, pace, Some(returns), tell).await.unwrap() };
        Replay { task: tokio::spawn(run), progress }
    }

    /// Every order is acknowledged and final, and the audit finds nothing.
    pub(crate) async fn ends_well(self, replay: Replay) {
        self.ends_well_after(replay, || {}).await;
    }

    /// The same, and what else must hold once every order is final.
    pub(crate) async fn ends_well_after(self, replay: Replay, holds: impl FnOnce()) {
        self.settles(replay).await;
        self.is_right().await;
        holds();
    }

    /// Every order of the replay is acknowledged and final.
    pub(crate) async fn settles(&self, replay: Replay) {
        let summary = replay.task.await.unwrap();
        assert_eq!(summary.acknowledged, self.orders as u64, "{summary}");
        let settled = &summary.settled;
        assert_eq!((settled.undecided, settled.missing, &settled.fault), (0, 0, &None), "{summary}");
        assert!(settled.confirmed > 0 && settled.rejected > 0, "{summary}");
    }

    /// The audit finds nothing. The shop is dropped with this: that it stops in order is for others to see.
    pub(crate) async fn closes(self) {
        self.is_right().await;
    }

    /// The audit finds this and nothing else, as soon as nothing is under way any more. It would wait for as long as it is
    /// patient until nothing is wrong.
    pub(crate) async fn closes_with(self, wrong: Check) {
        let begun = Instant::now();
        loop {
            let report = self.audit(Duration::ZERO).await;
            let found = report.checks.iter().filter(|outcome| outcome.violations > 0).map(|outcome| outcome.name);
            if found.eq([wrong]) {
                return;
            }
            assert!(begun.elapsed() < SETTLE, "{report}");
        }
    }

    /// The audit finds nothing.
    pub(crate) async fn is_right(&self) {
        let report = self.audit(SETTLE).await;
        assert!(report.passed(), "{report}");
    }

    /// Has whatever a story has left paused or dead run again, so that the next one can be told.
    pub(crate) async fn recovers(&self) {
        for service in Service::ALL {
            self.shop.resume(Part::Service(service, None)).await.unwrap();
        }
        for dead in self.shop.status().await.into_iter().filter(|part| part.state == State::Killed) {
            self.shop.restart(dead.part).await.unwrap();
        }
    }

    async fn audit(&self, patience: Duration) -> Report {
        let source = self.shop.audit_source();
        let source = Source {
            order_database: source.order_database,
            inventory_database: source.inventory_database,
            kafka: source.kafka.to_string(),
        };
        audit::audit(&source, &self.acknowledged(), patience).await.unwrap()
    }

    fn acknowledged(&self) -> Vec<Acknowledged> {
        let entries =
            ledger::files(self.folder.path()).unwrap().into_iter().flat_map(|file| ledger::read(&file).unwrap());
        entries.map(|entry| Acknowledged { run: "trial".to_owned(), id: entry.id, key: entry.key }).collect()
    }

    /// The month up to a number of orders of a few lines each, and the products in it.
    fn retail(&self) -> Retail {
        let mut retail = MONTH.clone();
        let mut left = self.orders;
        retail.happenings.retain(|happening| {
            let is_sale = matches!(happening, Happening::Sale(_));
            let goes = left > 0 && !matches!(happening, Happening::Sale(sale) if sale.lines.len() > MOST_LINES);
            left -= usize::from(goes && is_sale);
            goes
        });
        let mut demand: HashMap<Sku, u64> = HashMap::new();
        for happening in &retail.happenings {
            let (lines, asked) = match happening {
                Happening::Sale(sale) => (&sale.lines, 1),
                Happening::Return(taken_back) => (&taken_back.lines, 0),
            };
            for line in lines {
                *demand.entry(line.sku.clone()).or_default() += asked * u64::from(u32::from(line.quantity));
            }
        }
        retail.products.retain_mut(|product| match demand.get(&product.sku) {
            Some(&demand) => {
                product.demand = demand;
                true
            }
            None => false,
        });
        retail
    }

    /// Base URLs of a service's instances.
    pub(crate) fn urls(&self, service: Service) -> Vec<String> {
        self.shop.addresses(service).iter().map(|address| format!("http://{address}")).collect()
    }

    fn targets(&self, service: Service) -> Targets {
        Targets::parse(self.urls(service)).unwrap()
    }

    fn token(&self) -> OperatorToken {
        OperatorToken::new(fs::read_to_string(self.shop.operator_token_file()).unwrap().trim()).unwrap()
    }
}

impl Replay {
    /// Waits until so many orders are acknowledged.
    pub(crate) async fn has_come_to(&mut self, acknowledged: u64) {
        self.progress.wait_for(|&so_far| so_far >= acknowledged).await.unwrap();
    }
}

fn month() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/online-retail-2010-12.csv.gz")
}
