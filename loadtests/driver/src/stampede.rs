//! Everybody asks for one value that has just gone out of the cache.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt,
    rc::Rc,
    time::Duration,
};

use contracts::{
    OrderId, Sku,
    consistency::{Level, SESSION},
};
use hyper::header::HeaderValue;
use serde::Serialize;
use tokio::{sync::Barrier, task::JoinSet, time::Instant};

use crate::{
    OperatorToken, Targets, ThreadError,
    engine::{alone, key},
    http::{Answer, Call, Connection, Outcome, Retry, exchange, path},
    latency::{Latencies, Quantiles},
    metrics,
    render::{grouped, write_heading, write_quantiles},
    stock,
};

/// The most callers; each has a connection of its own.
pub const MAX_CALLERS: usize = 4_096;

/// The services' histogram of loads for the cache, of values of stock.
const LOADS: (&str, &str) = ("plumbline_cache_load_seconds_count", "\"stock\"");
/// The reason of the adjustment that makes the value go.
const REASON: &str = "stampede";

/// Who asks for what.
#[derive(Debug, Clone)]
pub struct Stampede {
    /// The inventory service's instances.
    pub inventory: Targets,
    /// What changing stock needs.
    pub token: OperatorToken,
    /// The product whose stock everybody wants; it must be in the shop.
    pub sku: Sku,
    /// How many ask.
    pub callers: usize,
}

/// What came of it. Written out it is for people; as JSON for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of what.
    pub sku: Sku,
    /// How many asked, of how many instances.
    pub callers: u64,
    /// See there.
    pub instances: u64,
    /// How often the value was loaded for the cache, over all instances; null where they count no loads.
    pub loads: Option<u64>,
    /// Who was answered by what.
    pub by: BTreeMap<String, u64>,
    /// Who was not, by why.
    pub failed: BTreeMap<String, u64>,
    /// From the moment at which all asked to the answer, in milliseconds.
    pub wait_ms: Quantiles,
    /// The same for the same callers once more, when nothing is to be loaded: what so many requests at once take by
    /// themselves.
    pub again_ms: Quantiles,
}

/// Why it could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum StampedeError {
    /// None, or too many.
    #[error("the callers must be 1 to {MAX_CALLERS}")]
    Callers,
    /// Something before it failed.
    #[error("{what}: {why}")]
    Before {
        /// What.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// See [`ThreadError`].
    #[error(transparent)]
    Thread(#[from] ThreadError),
}

/// What all callers count.
struct Waits {
    by: BTreeMap<String, u64>,
    failed: BTreeMap<String, u64>,
    wait: Latencies,
}

/// Has everybody ask at once for a value that a write has just made out of date; each asks to see that write, so that no
/// older value will do.
///
/// # Errors
/// There are no callers, or too many; or the shop does not take the write, or does not answer.
pub async fn run(stampede: Stampede) -> Result<Report, StampedeError> {
    if !(1..=MAX_CALLERS).contains(&stampede.callers) {
        return Err(StampedeError::Callers);
    }
    alone(move || perform(stampede)).await?
}

async fn perform(stampede: Stampede) -> Result<Report, StampedeError> {
    let connections = connected(&stampede).await?;
    let mut own = Connection::new(stampede.inventory.clone(), 0);
    // It stands in the cache, so that there is something to go.
    ask(&mut own, &stock::at_level(stock::look(&stampede.sku), Level::Eventual), "reading the stock").await?;
    let before = stampede.loads().await?;
    let once = key(format!("{REASON}-{}", OrderId::generate()));
    let write = stock::adjust(&stampede.sku, 1, REASON, once, &stampede.token);
    let token = stock::session(&ask(&mut own, &write, "adjusting the stock").await?.headers);
    let token =
        token.ok_or(StampedeError::Before { what: SESSION, why: "is not in the answer to a write".to_owned() })?;
    let (Waits { by, mut failed, wait }, connections) = all_at_once(&stampede, connections, &token).await;
    let after = stampede.loads().await?;
    let (again, _) = all_at_once(&stampede, connections, &token).await;
    for (why, count) in again.failed {
        *failed.entry(why).or_default() += count;
    }
    Ok(Report {
        callers: stampede.callers as u64,
        instances: stampede.inventory.count() as u64,
        loads: after.zip(before.or(Some(0))).map(|(after, before)| after.saturating_sub(before)),
        by,
        failed,
        wait_ms: wait.quantiles(),
        again_ms: again.wait.quantiles(),
        sku: stampede.sku,
    })
}

/// Every caller's connection, open.
async fn connected(stampede: &Stampede) -> Result<Vec<Connection>, StampedeError> {
    let open = async |n: usize| {
        let mut connection = Connection::new(stampede.inventory.clone(), n);
        ask(&mut connection, &Call::get(path("/livez".to_owned())), "connecting").await.map(|_| connection)
    };
    futures::future::try_join_all((0..stampede.callers).map(open)).await
}

/// What they counted, and their connections.
async fn all_at_once(
    stampede: &Stampede,
    connections: Vec<Connection>,
    token: &HeaderValue,
) -> (Waits, Vec<Connection>) {
    let (waits, began) = (Rc::new(RefCell::new(Waits::default())), Rc::new(Cell::new(None)));
    let (gate, mut callers) = (Rc::new(Barrier::new(stampede.callers)), JoinSet::new());
    for mut connection in connections {
        let call = stock::in_session(stock::at_level(stock::look(&stampede.sku), Level::Session), Some(token));
        let (gate, began, waits) = (Rc::clone(&gate), Rc::clone(&began), Rc::clone(&waits));
        callers.spawn_local(async move {
            gate.wait().await;
            // All wait from the moment at which the first of them goes.
            let begin = began.get().unwrap_or_else(Instant::now);
            began.set(Some(begin));
            let outcome = exchange(&mut connection, &call, &Retry::ONCE, begin, |_| {}).await;
            waits.borrow_mut().ended(&outcome, begin.elapsed());
            connection
        });
    }
    let connections = callers.join_all().await;
    (waits.take(), connections)
}

async fn ask(connection: &mut Connection, call: &Call, what: &'static str) -> Result<Answer, StampedeError> {
    match exchange(connection, call, &Retry::default(), Instant::now(), |_| {}).await {
        Outcome::Answered(answer) if answer.status.is_success() => Ok(answer),
        Outcome::Answered(answer) => Err(StampedeError::Before { what, why: answer.complaint() }),
        Outcome::GaveUp { last, .. } => Err(StampedeError::Before { what, why: last.to_string() }),
    }
}

impl Stampede {
    /// How often stock was loaded for the cache, over all instances.
    async fn loads(&self) -> Result<Option<u64>, StampedeError> {
        let mut sum = None;
        for n in 0..self.inventory.count() {
            let mut connection = Connection::new(self.inventory.only(n), 0);
            let answer = ask(&mut connection, &Call::get(path("/metrics".to_owned())), "reading metrics").await?;
            let (name, label) = LOADS;
            if let Some(loads) = metrics::sum(&String::from_utf8_lossy(&answer.body), name, label) {
                sum = Some(sum.unwrap_or(0) + loads);
            }
        }
        Ok(sum)
    }
}

impl Default for Waits {
    fn default() -> Self {
        Self { by: BTreeMap::new(), failed: BTreeMap::new(), wait: Latencies::new() }
    }
}

impl Waits {
    fn ended(&mut self, outcome: &Outcome, took: Duration) {
        let why = match outcome {
            Outcome::Answered(answer) if answer.status.is_success() => {
                let by = stock::of_itself(&answer.headers).map_or_else(|why| why, |(by, _)| by.to_string());
                self.wait.record(took);
                *self.by.entry(by).or_default() += 1;
                return;
            }
            Outcome::Answered(answer) => format!("status {}: {}", answer.status.as_u16(), answer.complaint()),
            Outcome::GaveUp { last, .. } => last.to_string(),
        };
        *self.failed.entry(why).or_default() += 1;
    }
}

impl fmt::Display for Report {
    /// In at most 80 columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [callers, instances] = [self.callers, self.instances].map(grouped);
        writeln!(f, "{callers} callers of {instances} instances want the stock of {}", self.sku)?;
        match self.loads {
            Some(loads) => writeln!(f, "loads           {:>9}", grouped(loads))?,
            None => writeln!(f, "loads           {:>9} the services count none: they have no cache", "-")?,
        }
        for (by, count) in &self.by {
            writeln!(f, "{:<16}{:>9}", format!("by {by}"), grouped(*count))?;
        }
        for (why, count) in &self.failed {
            writeln!(f, "failed          {:>9} {why}", grouped(*count))?;
        }
        write_heading(f)?;
        write_quantiles(f, "waited", &self.wait_ms)?;
        write_quantiles(f, "cached already", &self.again_ms)
    }
}
