//! One leader at a time, in order, with terms that grow.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use coordination::{Cluster, Name, election};
use local::testing;
use tokio::task::JoinSet;

use crate::stage::{TTL, client, cluster, eventually, kill_asked, soon};

const ELECTION: Name = Name::literal("sweep");

#[tokio::test(flavor = "multi_thread")]
async fn candidates_lead_in_the_order_in_which_they_came() {
    let cluster = cluster().await;
    let leaders = election::observe(&cluster, &ELECTION);
    let first = election::campaign(&cluster, &ELECTION, "0", TTL * 10).await;
    eventually("the first is seen", async || leaders.leader().is_some_and(|leader| leader.term == first.term())).await;
    let terms = Arc::new(Mutex::new(vec![first.term()]));
    let mut campaigns = JoinSet::new();
    for number in 1..=10 {
        let (cluster, terms) = (cluster.clone(), Arc::clone(&terms));
        campaigns.spawn(async move {
            let leadership = election::campaign(&cluster, &ELECTION, &number.to_string(), TTL * 10).await;
            let leader = election::leader(&cluster, &ELECTION).await.unwrap().unwrap();
            assert_eq!((leader.term, leader.candidate), (leadership.term(), number.to_string()));
            terms.lock().unwrap().push(leadership.term());
            leadership.resign().await;
        });
    }
    first.resign().await;
    soon("all have led", campaigns.join_all()).await;
    let terms = terms.lock().unwrap().clone();
    // A term is the revision at which its candidate entered: in order of terms is in the order in which they came.
    assert!(terms.len() == 11 && terms.is_sorted(), "{terms:?}");
    eventually("nobody leads", async || leaders.leader().is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_withdraws_lets_the_next_one_wait_on() {
    let cluster = cluster().await;
    let first = election::campaign(&cluster, &ELECTION, "first", TTL * 10).await;
    let campaign = |name: &'static str| {
        let cluster = cluster.clone();
        tokio::spawn(async move { election::campaign(&cluster, &ELECTION, name, TTL * 10).await })
    };
    let second = campaign("second");
    let third = campaign("third");
    second.abort();
    assert!(second.await.is_err());
    assert!(first.is_leader() && !third.is_finished());
    first.resign().await;
    assert!(soon("the third leads", third).await.unwrap().is_leader());
}

/// What a store does that takes fencing tokens: it refuses a term smaller than one it has seen.
#[derive(Default)]
struct Fenced {
    highest: AtomicU64,
    working: AtomicU32,
    terms: Mutex<Vec<u64>>,
}

impl Fenced {
    fn enter(&self, term: u64) {
        let before = self.highest.fetch_max(term, Ordering::SeqCst);
        assert!(before < term, "term {term} came after {before}");
        assert_eq!(self.working.fetch_add(1, Ordering::SeqCst), 0, "two leaders work at once");
        self.terms.lock().unwrap().push(term);
    }
}

/// Leaves when it is dropped, as work is that is cancelled.
struct Working<'a>(&'a Fenced);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}

fn workers(cluster: impl Fn() -> Cluster, store: &Arc<Fenced>, ttl: Duration) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    for number in 0..4 {
        let (cluster, store) = (cluster(), Arc::clone(store));
        workers.spawn(async move {
            let work = |mandate: election::Mandate| {
                let store = Arc::clone(&store);
                async move {
                    store.enter(mandate.term());
                    let _working = Working(&store);
                    // Until somebody has made it leave, or for a while.
                    let _ = tokio::time::timeout(Duration::from_millis(50), mandate.lost()).await;
                }
            };
            election::run_while_leader(&cluster, &ELECTION, &number.to_string(), ttl, work).await;
        });
    }
    workers
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_works_at_a_time_and_all_have_their_turn() {
    let cluster = cluster().await;
    let store = Arc::new(Fenced::default());
    let mut workers = workers(|| cluster.clone(), &store, TTL);
    eventually("many terms", async || store.terms.lock().unwrap().len() >= 12).await;
    assert!(workers.try_join_next().is_none(), "a worker failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn elections_go_on_while_members_die() {
    let coordinators = testing::private_coordinators(3).await;
    let store = Arc::new(Fenced::default());
    let mut workers = workers(|| client(&coordinators), &store, TTL * 2);
    let watched = client(&coordinators);
    for _ in 0..2 {
        let led = store.terms.lock().unwrap().len();
        eventually("more terms", async || store.terms.lock().unwrap().len() >= led + 3).await;
        let _ = election::leader(&watched, &ELECTION).await.unwrap();
        let killed = kill_asked(&coordinators, &watched).await;
        let led = store.terms.lock().unwrap().len();
        eventually("terms go on", async || store.terms.lock().unwrap().len() >= led + 3).await;
        coordinators.restart(killed).await.unwrap();
    }
    assert!(workers.try_join_next().is_none(), "a worker failed");
    workers.shutdown().await;
    coordinators.stop().await;
}
