//! Databases and topics of one test, with a few orders of which everything is right.

mod orders;

use std::time::Duration;

use audit::{Acknowledged, AuditError, Check, Report, Source, Subject, Violation, audit_prefixed};
use contracts::OrderId;
pub(crate) use local::testing::eventually;
use messaging::{Topics, admin};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::OnceCell;

pub(crate) use orders::Orders;

const ORDER_TABLES: &str = include_str!("../../../../../services/order/migrations/0001_orders.sql");
const INVENTORY_TABLES: [&str; 3] = [
    include_str!("../../../../../services/inventory/migrations/0001_inventory.sql"),
    include_str!("../../../../../services/inventory/migrations/0002_traces.sql"),
    include_str!("../../../../../services/inventory/migrations/0003_locks.sql"),
];

/// Makes the stock what adjustments and live reservations come to.
const BALANCE: &str = "
    UPDATE stock SET available = coalesce(adjusted, 0) - coalesce(held, 0), reserved = coalesce(held, 0)
      FROM stock AS kept
           LEFT JOIN (SELECT sku, sum(delta) AS adjusted FROM stock_adjustments GROUP BY sku) AS adjustments USING (sku)
           LEFT JOIN (SELECT line ->> 'sku' AS sku, sum((line ->> 'quantity')::bigint) AS held
                        FROM reservations, jsonb_array_elements(lines) AS line
                       WHERE status IN (0, 1) GROUP BY 1) AS live USING (sku)
     WHERE stock.sku = kept.sku";

/// What stands in front of the topics that tests share: an audit writes to none.
static EMPTY_TOPICS: OnceCell<String> = OnceCell::const_new();

pub(crate) struct World {
    pub(crate) order: PgPool,
    pub(crate) inventory: PgPool,
    pub(crate) source: Source,
    pub(crate) prefix: String,
    pub(crate) orders: Orders,
    /// What a driver knows of the orders: each that has a key, and one key whose order does not exist.
    pub(crate) acknowledged: Vec<Acknowledged>,
}

impl World {
    /// A world where all is right.
    pub(crate) async fn new() -> Self {
        let (source, prefix) = bare().await;
        let order = PgPool::connect(&source.order_database).await.unwrap();
        let inventory = PgPool::connect(&source.inventory_database).await.unwrap();
        for (database, tables) in [(&order, &[ORDER_TABLES][..]), (&inventory, &INVENTORY_TABLES)] {
            sqlx::raw_sql(messaging::SCHEMA).execute(database).await.unwrap();
            for tables in tables {
                sqlx::raw_sql(*tables).execute(database).await.unwrap();
            }
        }
        let orders = Orders::default();
        let acknowledged = orders.store(&order, &inventory).await;
        let world = Self { order, inventory, source, prefix, orders, acknowledged };
        world.balance().await;
        world
    }

    /// Has the stock follow from the other tables.
    pub(crate) async fn balance(&self) {
        sqlx::raw_sql(BALANCE).execute(&self.inventory).await.unwrap();
    }

    /// A CONFIRMED order of so many A with its CONFIRMED reservation, decided so many minutes later than those of
    /// [`Orders`]. The stock knows nothing of it.
    pub(crate) async fn confirms(&self, pieces: i32, minutes: i32) -> OrderId {
        let id = OrderId::generate();
        orders::confirm(id, pieces, minutes, &self.order, &self.inventory).await;
        id
    }

    /// Changes one row, or a few, of the order service's.
    pub(crate) async fn in_order(&self, sql: impl Into<String>) {
        change(&self.order, sql.into()).await;
    }

    /// Changes one row, or a few, of the inventory service's.
    pub(crate) async fn in_inventory(&self, sql: impl Into<String>) {
        change(&self.inventory, sql.into()).await;
    }

    pub(crate) async fn audit(&self, patience: Duration) -> Result<Report, AuditError> {
        audit_prefixed(&self.source, &self.prefix, &self.acknowledged, patience).await
    }

    /// What an audit without patience finds wrong, by check.
    pub(crate) async fn wrong(&self) -> Vec<(Check, Vec<Violation>)> {
        let report = self.audit(Duration::ZERO).await.unwrap();
        let named: u64 = report.checks.iter().map(|outcome| outcome.first.len() as u64).sum();
        assert_eq!(report.violations(), named);
        let wrong = report.checks.into_iter().filter(|outcome| outcome.violations > 0);
        wrong.map(|outcome| (outcome.name, outcome.first)).collect()
    }

    /// An audit finds this wrong, and nothing else.
    pub(crate) async fn finds(&self, check: Check, subject: Subject, what: &str) {
        let wrong = self.wrong().await;
        assert_eq!(wrong, [(check, vec![Violation { subject, what: what.to_owned() }])]);
    }

    /// An audit finds all of this wrong with one subject, in the order of reports, and nothing else.
    pub(crate) async fn finds_all(&self, subject: Subject, found: &[(Check, &str)]) {
        let violation = |what: &str| vec![Violation { subject: subject.clone(), what: what.to_owned() }];
        let expected: Vec<_> = found.iter().map(|(check, what)| (*check, violation(what))).collect();
        assert_eq!(self.wrong().await, expected);
    }

    /// An audit finds this wrong with an order, and nothing else.
    pub(crate) async fn finds_order(&self, check: Check, order: OrderId, what: &str) {
        self.finds(check, Subject::Order(order), what).await;
    }
}

/// Two empty databases, and topics on which nothing stands.
pub(crate) async fn bare() -> (Source, String) {
    let servers = local::testing::servers().await;
    let kafka = servers.kafka_bootstrap().to_owned();
    let prefix = EMPTY_TOPICS.get_or_init(|| topics(&kafka)).await.clone();
    let order_database = servers.database("audit_order").await.url().to_owned();
    let inventory_database = servers.database("audit_inventory").await.url().to_owned();
    (Source { order_database, inventory_database, kafka }, prefix)
}

/// Makes topics, and says what stands in front of their names.
pub(crate) async fn topics(kafka: &str) -> String {
    let prefix = local::testing::prefix();
    admin::ensure_topics(kafka, &Topics::with_prefix(&prefix)).await.unwrap();
    prefix
}

/// A change that changes nothing is a mistake of the test.
async fn change(database: &PgPool, sql: String) {
    let changed = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(database).await;
    let changed = changed.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected();
    assert!(changed > 0 || sql.starts_with("ALTER"), "changed nothing: {sql}");
}

/// The stock of a SKU.
pub(crate) fn sku(sku: &str) -> Subject {
    Subject::Sku(sku.to_owned())
}

/// What is said of a SKU of which reservations hold more than there is, with who came last: pieces, and minutes.
pub(crate) fn oversold(there_are: i64, held: i64, last: &[(&str, OrderId, i64, u8)]) -> String {
    let last = last.iter().map(|(what, id, pieces, at)| format!("{what} {id} with {pieces} at 2010-12-01T08:{at}:00Z"));
    let last: Vec<String> = last.collect();
    format!(
        "expected live reservations to hold at most {there_are}, which adjustments add up to, found {held}: oversold by \
         {}; last came {}",
        held - there_are,
        last.join(", ")
    )
}
