//! Clients that read, write, swap and delete a few keys, and write down what they see.

use std::{
    collections::HashMap,
    error::Error as _,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use consensus::sim::linearizable::{Call, Operation, Outcome};
use coordinator::proto::etcdserverpb::kv_client::KvClient;
use rand::{Rng as _, rngs::StdRng};
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tonic::{Code, Status, transport::Channel};

use super::{
    cluster::Cluster,
    history::{History, Record},
    random,
    requests::{Answer, Guard, ask, write},
};

/// Two at each member.
const CLIENTS: u64 = 6;
/// How many keys are used at a time, and for how long: judging a history of one key takes more than twice the time when it
/// is twice as long.
const KEYS: u64 = 4;
const KEYS_LAST: Duration = Duration::from_secs(8);
/// A client asks at most this often.
const PACE: Duration = Duration::from_millis(6);
/// How long a client waits for an answer; after that it doesn't know. Less than most faults last, so that many calls are
/// done later than anybody waits.
const ANSWER: Duration = Duration::from_millis(250);
/// Values of one client are below those of the next.
const VALUES: u64 = 1 << 32;

/// Clients at work.
pub(super) struct Workload {
    pub(super) began: Instant,
    ended: Arc<AtomicBool>,
    clients: JoinSet<History>,
}

impl Workload {
    pub(super) fn start(cluster: &Cluster, seed: u64) -> Self {
        let (began, ended, mut clients) = (Instant::now(), Arc::new(AtomicBool::new(false)), JoinSet::new());
        for number in 0..CLIENTS {
            let member = (number % 3) as usize;
            let client = Client::new(number, cluster.connect(member), ANSWER, began, random(seed, 1 + number));
            clients.spawn(client.run(Arc::clone(&ended)));
        }
        Self { began, ended, clients }
    }

    /// Ends it. Returns what the clients saw.
    pub(super) async fn end(self) -> History {
        self.ended.store(true, Ordering::Relaxed);
        let mut history = History::default();
        self.clients.join_all().await.into_iter().for_each(|part| history.extend(part));
        history
    }
}

/// One that asks one thing after the other of one member.
pub(super) struct Client {
    number: u64,
    kv: KvClient<Channel>,
    patience: Duration,
    began: Instant,
    random: StdRng,
    /// The last value it has written anywhere.
    last: u64,
    /// What it knows of keys: the value, and since which revision.
    known: HashMap<String, (Option<u64>, i64)>,
    history: History,
}

impl Client {
    pub(super) fn new(number: u64, kv: KvClient<Channel>, patience: Duration, began: Instant, random: StdRng) -> Self {
        let (last, known, history) = (number * VALUES, HashMap::new(), History::default());
        Self { number, kv, patience, began, random, last, known, history }
    }

    async fn run(mut self, ended: Arc<AtomicBool>) -> History {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !ended.load(Ordering::Relaxed) {
            pace.tick().await;
            self.step().await;
        }
        self.history
    }

    async fn step(&mut self) {
        let of_the_time = self.began.elapsed().as_secs() / KEYS_LAST.as_secs();
        let key = format!("register/{of_the_time}/{}", self.random.random_range(0..KEYS));
        match self.random.random_range(0..100) {
            0..30 => self.call(key, Operation::Read, Guard::Value).await,
            30..55 => {
                let new = self.value();
                self.call(key, Operation::Write(new), Guard::Value).await;
            }
            55..65 => self.call(key, Operation::Delete, Guard::Value).await,
            65..90 => self.read_and_swap(key).await,
            _ => self.note().await,
        }
    }

    fn value(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    async fn read_and_swap(&mut self, key: String) {
        // What it knows from before is out of date by now more often than not: both are worth a try.
        if self.random.random_bool(0.7) {
            self.call(key.clone(), Operation::Read, Guard::Value).await;
        }
        let (expected, since) = self.known.get(&key).copied().unwrap_or_default();
        let guard = if self.random.random() { Guard::Value } else { Guard::Revision(since) };
        let new = self.value();
        self.call(key, Operation::Swap { expected, new }, guard).await;
    }

    /// Writes a key that nobody else uses.
    async fn note(&mut self) {
        let value = self.value();
        let key = format!("journal/{value}");
        if let Ok(Ok(_)) = timeout(self.patience, self.kv.put(write(&key, value))).await {
            self.history.journal.insert(key, value);
        }
    }

    pub(super) async fn call(&mut self, key: String, operation: Operation<u64>, guard: Guard) {
        let invoked = self.now();
        let asked = ask(&mut self.kv, &key, &operation, guard);
        let answer = match timeout(self.patience, asked).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(status)) if is_never_sent(&status) => return,
            Ok(Err(status)) => {
                assert!(is_expected(&status), "{operation:?} of {key}: {status:?}");
                None
            }
            Err(_late) => None,
        };
        let returned = self.now();
        if answer.is_none() && operation == Operation::Read {
            return;
        }
        self.learn(&key, &operation, answer.as_ref());
        let (revision, changed) = answer.as_ref().map_or((None, false), |told| (Some(told.revision), told.changed));
        let returned = answer.map(|told| (returned, told.outcome));
        let call = Call { process: self.number, operation, invoked, returned };
        self.history.records.push(Record { key, call, revision, changed });
    }

    fn learn(&mut self, key: &str, operation: &Operation<u64>, answer: Option<&Answer>) {
        let Some(Answer { outcome, since, .. }) = answer else { return };
        let value = match (outcome, operation) {
            (Outcome::Holds(value), _) => *value,
            (Outcome::Done, Operation::Write(new) | Operation::Swap { new, .. }) => Some(*new),
            _ => None,
        };
        self.known.insert(key.to_owned(), (value, *since));
    }

    /// Nanoseconds since the workload began.
    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    pub(super) fn into_history(self) -> History {
        self.history
    }
}

/// Whether a request found nobody to go to.
fn is_never_sent(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether that is what a disturbed cluster may say: that it doesn't know, or a connection that broke.
fn is_expected(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal)
}
