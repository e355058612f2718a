//! A client: one operation after the other, in sessions, through every instance.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use contracts::{
    Sku,
    consistency::{Level, SERVED_BY, VERSION},
    stock::{Adjustment, Stock as Body},
};
use hyper::{HeaderMap, header::HeaderValue};
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{Act, Fault, Operation, Outcome, Progress, Shown, Stock, Trial, sku};
use crate::{
    OperatorToken,
    engine::{Clock, key},
    http::{Answer, Call, Connection, Failure, Outcome as Sent, Retry, exchange},
    stock as asking,
};

/// How many operations a session has.
const SESSION_OPERATIONS: u64 = 100;
/// How often a client goes on with the product that it has had before, where sessions could see something amiss.
const SAME_PRODUCT: f64 = 0.5;
/// How long a client waits after it has not reached an instance: one that is away is not to use up the operations.
const PAUSE: Duration = Duration::from_millis(20);
/// The reason of every adjustment.
const REASON: &str = "consistency";

/// What is left to do, for all clients.
pub(super) struct Todo {
    clock: Clock,
    operations: u64,
    lasting: Duration,
    /// A name for the run's keys.
    run: String,
    begun: Cell<u64>,
    done: Cell<u64>,
    unanswered: Cell<u64>,
    sessions: Cell<u32>,
}

impl Todo {
    pub(super) fn new(trial: &Trial, clock: Clock) -> Self {
        let run = contracts::OrderId::generate().as_uuid().simple().to_string();
        let (operations, lasting) = (trial.operations, trial.lasting);
        let [begun, done, unanswered] = [const { Cell::new(0) }; 3];
        Self { clock, operations, lasting, run, begun, done, unanswered, sessions: Cell::new(0) }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { done: self.done.get(), unanswered: self.unanswered.get(), of: self.operations }
    }

    /// The number of the next operation, when its time has come.
    async fn next(&self) -> Option<u64> {
        let n = self.begun.get();
        if n == self.operations {
            return None;
        }
        self.begun.set(n + 1);
        let due = self.lasting.mul_f64(n as f64 / self.operations as f64);
        if due > self.clock.elapsed() {
            tokio::time::sleep_until(self.clock.instant(due)).await;
        }
        Some(n)
    }

    fn ended(&self, answered: bool) {
        self.done.set(self.done.get() + 1);
        self.unanswered.set(self.unanswered.get() + u64::from(!answered));
    }

    fn new_session(&self) -> u32 {
        self.sessions.replace(self.sessions.get() + 1)
    }
}

pub(super) struct Client {
    number: u32,
    random: SmallRng,
    /// One to each instance, and to no other.
    reading: Vec<Connection>,
    /// One that begins with each instance, and goes on to the next where that is away.
    writing: Vec<Connection>,
    products: u32,
    write_share: f64,
    token: OperatorToken,
    retry: Retry,
    todo: Rc<Todo>,
    operations: Rc<RefCell<Vec<Operation>>>,
    session: Session,
    product: u32,
}

/// A session, and what it carries from one request to the next.
#[derive(Debug, Default)]
struct Session {
    number: u32,
    operations: u64,
    token: Option<HeaderValue>,
}

impl Client {
    pub(super) fn new(number: u32, trial: &Trial, todo: Rc<Todo>, operations: Rc<RefCell<Vec<Operation>>>) -> Self {
        let instances = 0..trial.inventory.count();
        Self {
            number,
            random: SmallRng::seed_from_u64(trial.seed.wrapping_mul(0x9E37_79B9).wrapping_add(number.into())),
            reading: instances.clone().map(|n| Connection::new(trial.inventory.only(n), 0)).collect(),
            writing: instances.map(|n| Connection::new(trial.inventory.clone(), n)).collect(),
            products: trial.products,
            write_share: trial.write_share,
            token: trial.token.clone(),
            retry: trial.retry,
            session: Session { number: todo.new_session(), ..Session::default() },
            todo,
            operations,
            product: 0,
        }
    }

    /// Works until nothing is left.
    pub(super) async fn work(mut self) {
        while let Some(n) = self.todo.next().await {
            if self.session.operations == SESSION_OPERATIONS {
                self.session = Session { number: self.todo.new_session(), ..Session::default() };
            }
            self.session.operations += 1;
            let reached = self.operate(n).await;
            if !reached {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Makes one operation; `false` if nobody was reached.
    async fn operate(&mut self, n: u64) -> bool {
        if !self.random.random_bool(SAME_PRODUCT) {
            self.product = self.random.random_range(0..self.products);
        }
        let at = self.random.random_range(0..self.reading.len());
        let writes = self.random.random_bool(self.write_share);
        let begin = self.todo.clock.elapsed();
        let act = if writes { self.write(at, n).await } else { self.read(at).await };
        let end = self.todo.clock.elapsed();
        let (answered, reached) = match &act {
            Act::Write { outcome, .. } => (outcome.is_acknowledged(), outcome.has_reached()),
            Act::Read { outcome, .. } => (outcome.is_acknowledged(), outcome.has_reached()),
        };
        self.todo.ended(answered);
        let instance = if writes { self.writing[at].instance() } else { at };
        let instance = instance as u32;
        let (client, session, product) = (self.number, self.session.number, self.product);
        self.operations.borrow_mut().push(Operation { client, session, instance, product, begin, end, act });
        reached
    }

    async fn write(&mut self, at: usize, n: u64) -> Act {
        let many = self.random.random_range(1..=9);
        let delta = if self.random.random_bool(0.5) { many } else { -many };
        let once = key(format!("{}-{n}", self.todo.run));
        let call = asking::adjust(&sku(self.product), delta, REASON, once, &self.token);
        let (call, begin) = (self.session.join(call), self.todo.clock.instant(self.todo.clock.elapsed()));
        let sent = exchange(&mut self.writing[at], &call, &self.retry, begin, |_| {}).await;
        let outcome = outcome(sent, |answer| {
            self.session.learn(&answer.headers);
            let made: Adjustment = answer.json().map_err(|error| error.to_string())?;
            stock(&made.stock)
        });
        Act::Write { delta, outcome }
    }

    async fn read(&mut self, at: usize) -> Act {
        let level = Level::ALL[self.random.random_range(0..Level::ALL.len())];
        let call = self.session.join(asking::at_level(asking::look(&sku(self.product)), level));
        let begin = self.todo.clock.instant(self.todo.clock.elapsed());
        let sent = exchange(&mut self.reading[at], &call, &Retry::ONCE, begin, |_| {}).await;
        let outcome = outcome(sent, |answer| shown(answer, self.session.learn(&answer.headers)));
        Act::Read { level, outcome }
    }
}

impl Session {
    fn join(&self, call: Call) -> Call {
        asking::in_session(call, self.token.as_ref())
    }

    /// Keeps the token that an answer came with; whether it came with one.
    fn learn(&mut self, headers: &HeaderMap) -> bool {
        let token = asking::session(headers);
        let told = token.is_some();
        self.token = token.or(self.token.take());
        told
    }
}

impl<T> Outcome<T> {
    pub(super) fn is_acknowledged(&self) -> bool {
        matches!(self, Self::Acknowledged(_))
    }

    /// Whether an instance was there to be asked.
    fn has_reached(&self) -> bool {
        let away = Fault::Unanswered(Failure::Connect);
        !matches!(self, Self::Refused(fault) | Self::Unknown(fault) if *fault == away)
    }
}

/// The stock of a product before anybody has operated on it.
pub(super) async fn before(trial: &Trial, product: &Sku) -> Result<Stock, Fault> {
    let mut connection = Connection::new(trial.inventory.clone(), 0);
    let call = asking::at_level(asking::look(product), Level::Strong);
    let begin = tokio::time::Instant::now();
    let sent = exchange(&mut connection, &call, &trial.retry, begin, |_| {}).await;
    match outcome(sent, |answer| stock(&answer.json().map_err(|error| error.to_string())?)) {
        Outcome::Acknowledged(stock) => Ok(stock),
        Outcome::Refused(fault) | Outcome::Unknown(fault) => Err(fault),
    }
}

/// What became of a request: a success, and a 404 of a read, are told by `read`.
fn outcome<T>(sent: Sent, read: impl FnOnce(&Answer) -> Result<T, String>) -> Outcome<T> {
    match sent {
        Sent::Answered(answer) if answer.status.is_success() || answer.headers.contains_key(SERVED_BY) => {
            // It was done, and what it came to is not known.
            read(&answer).map_or_else(|why| Outcome::Unknown(Fault::Unreadable(why)), Outcome::Acknowledged)
        }
        Sent::Answered(answer) => Outcome::Refused(Fault::Status(answer.status.as_u16())),
        Sent::GaveUp { last, possibly_applied: true } => Outcome::Unknown(last.into()),
        Sent::GaveUp { last, possibly_applied: false } => Outcome::Refused(last.into()),
    }
}

fn stock(body: &Body) -> Result<Stock, String> {
    let version = u64::try_from(body.version).map_err(|_| format!("version {}", body.version))?;
    Ok(Stock { version, available: body.available })
}

/// What an answer to a read says, in its body and of itself.
fn shown(answer: &Answer, told: bool) -> Result<Shown, String> {
    let (by, age) = asking::of_itself(&answer.headers)?;
    if answer.status.as_u16() == 404 {
        return Ok(Shown { version: 0, available: None, by, age, told });
    }
    let Stock { version, available } = stock(&answer.json().map_err(|error| error.to_string())?)?;
    let told_version = asking::text(&answer.headers, VERSION);
    if told_version.parse() != Ok(version) {
        return Err(format!("{VERSION}: {told_version:?} of version {version}"));
    }
    Ok(Shown { version, available: Some(available), by, age, told })
}
