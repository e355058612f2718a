//! A service's shelf: reads by level, and changes that are told of behind the commit.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use cache::{Front, Key, Kind, News, Policy, Settings, Shelf};
use contracts::consistency::{Answer, Copy, Demand, Level, Served, Token};
use coordination::settings::Setting;
use tokio::time::Instant;

use crate::stage::{LONG, Memcached, eventually};

/// A counter, whose version is its value.
#[derive(Debug)]
struct Counter;

impl Kind for Counter {
    const NAME: &'static str = "counter";
    const SCHEMA: u16 = 1;
    type Value = u64;

    fn version(value: &u64) -> u64 {
        *value
    }
}

/// A database with one row, and how often it was read.
#[derive(Clone, Default)]
struct Database(Arc<(AtomicU64, AtomicUsize)>);

impl Database {
    fn change(&self) -> u64 {
        self.0.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn reads(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }

    async fn read(&self, shelf: &Shelf<Counter>, level: Level, token: Option<Token>) -> (Copy, u64) {
        let database = self.clone();
        let load = move |_: Demand| {
            let database = database.clone();
            async move {
                database.0.1.fetch_add(1, Ordering::SeqCst);
                let value = database.0.0.load(Ordering::SeqCst);
                let served = Served { by: Copy::Primary, sees: value * 10, shows: value * 10, age: Duration::ZERO };
                Ok::<_, Infallible>(Answer { value: Some(value), served })
            }
        };
        let answer = shelf.read(&key(), Demand::new(level, token), None, load).await.unwrap();
        (answer.served.by, answer.value.unwrap())
    }
}

fn key() -> Key<Counter> {
    Key::new("a")
}

fn written(value: u64) -> News<Counter> {
    News::written(key(), value, value * 10, value * 10 - 1)
}

/// What a process has.
fn shelf(memcached: &Memcached, policy: Policy, load_delay: Duration) -> Shelf<Counter> {
    let (policy, ttl, load_delay) = (Setting::fixed(policy), Setting::fixed(LONG), Setting::fixed(load_delay));
    let settings = Settings { policy, ttl, load_delay };
    Front::new(&[memcached.address()], "test", &settings, None).unwrap().shelf()
}

/// Has one load, so that another process finds it.
async fn load(database: &Database, one: &Shelf<Counter>, other: &Shelf<Counter>) {
    assert_eq!(database.read(one, Level::Eventual, None).await.0, Copy::Primary);
    assert_eq!(database.read(other, Level::Eventual, None).await.0, Copy::Cache);
    assert_eq!(database.reads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_level_is_answered_by_what_is_new_enough_for_it() {
    let (memcached, database) = (Memcached::start().await, Database::default());
    database.change();
    let shelf = shelf(&memcached, Policy::Aside, Duration::ZERO);
    assert_eq!(database.read(&shelf, Level::Eventual, None).await, (Copy::Primary, 1));
    eventually("it is stored", async || database.read(&shelf, Level::Session, None).await.0 == Copy::Cache).await;
    let written = Some(Token { written: database.change() * 10, read: 0 });
    assert_eq!(database.read(&shelf, Level::Eventual, None).await, (Copy::Cache, 1), "nobody was told");
    assert_eq!(database.read(&shelf, Level::Session, written).await, (Copy::Primary, 2));
    let reads = database.reads();
    for _ in 0..3 {
        assert_eq!(database.read(&shelf, Level::Strong, None).await, (Copy::Primary, 2));
    }
    assert_eq!(database.reads(), reads + 3);
    let seen = Some(Token { written: 0, read: 20 });
    eventually("it is stored", async || database.read(&shelf, Level::Monotonic, seen).await == (Copy::Cache, 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_over_and_over_is_told_now_and_then_and_in_the_end_as_it_is() {
    let (memcached, database) = (Memcached::start().await, Database::default());
    let [by, other] = [(), ()].map(|()| shelf(&memcached, Policy::WriteThrough, Duration::ZERO));
    load(&database, &other, &by).await;
    let (sets, began) = (memcached.count("cmd_set").await, Instant::now());
    for _ in 0..500 {
        by.changed([written(database.change())]);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed();
    eventually("all was told", async || database.read(&other, Level::Eventual, None).await == (Copy::Cache, 500)).await;
    let told = memcached.count("cmd_set").await - sets;
    assert!(told > 2 && u128::from(told) <= took.as_millis() / 25 + 5, "{told} in {took:?}");
    assert_eq!(database.reads(), 1, "what is written through need not be loaded");
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_in_order_tells_what_is_left() {
    let (memcached, database) = (Memcached::start().await, Database::default());
    let [by, other] = [(), ()].map(|()| shelf(&memcached, Policy::WriteThrough, Duration::ZERO));
    load(&database, &other, &by).await;
    by.changed([written(database.change())]);
    by.changed([written(database.change())]);
    by.close().await;
    drop(by);
    eventually("it was told", async || database.read(&other, Level::Eventual, None).await == (Copy::Cache, 2)).await;
    assert_eq!(database.reads(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_waits_as_long_as_is_set_and_a_strong_read_does_not() {
    let (memcached, database) = (Memcached::start().await, Database::default());
    let delay = Duration::from_millis(200);
    let none = Front::new(
        &[],
        "test",
        &Settings {
            policy: Setting::fixed(Policy::Aside),
            ttl: Setting::fixed(LONG),
            load_delay: Setting::fixed(delay),
        },
        None,
    );
    for shelf in [shelf(&memcached, Policy::Aside, delay), shelf(&memcached, Policy::Off, delay), none.unwrap().shelf()]
    {
        let began = Instant::now();
        assert_eq!(database.read(&shelf, Level::Eventual, None).await.0, Copy::Primary);
        assert!(began.elapsed() >= delay);
        let began = Instant::now();
        database.read(&shelf, Level::Strong, None).await;
        assert!(began.elapsed() < delay);
    }
}
