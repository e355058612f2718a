//! What copies of a database say of how new they are.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use contracts::consistency::{Demand, Level};
use futures::future;
use local::servers::{Config, Server, Servers};
use messaging::{
    database::{
        self, Copies, Database,
        copies::{Found, Sight},
    },
    sighted,
};
use rand::Rng as _;
use sqlx::PgPool;

/// Rows that hold the position of what wrote them.
const ALL: &str = sighted!("SELECT position, xmin AS written FROM written");

/// What was shown, and how new that was said to be.
type Shown = (BTreeSet<i64>, Sight);

async fn pool(url: &str) -> PgPool {
    let database: Database = url.parse().unwrap();
    database::pool(&database.options("copies"), 20)
}

async fn show(copy: &PgPool) -> Result<Found<BTreeSet<i64>>, sqlx::Error> {
    let rows = sqlx::query(ALL).fetch_all(copy).await?;
    let found: Found<Vec<(i64,)>> = Found::all(&rows)?;
    Ok(found.map(|rows| rows.into_iter().map(|(position,)| position).collect()))
}

/// Writes rows in transactions that take a while and of which some are rolled back.
async fn write(primary: PgPool, transactions: u32) {
    for _ in 0..transactions {
        let mut transaction = primary.begin().await.unwrap();
        sqlx::query("INSERT INTO written VALUES (pg_current_xact_id()::text::bigint + 1)")
            .execute(&mut *transaction)
            .await
            .unwrap();
        let (pause, kept) = {
            let mut random = rand::rng();
            (random.random_range(0..30_000), random.random_bool(0.8))
        };
        tokio::time::sleep(Duration::from_micros(pause)).await;
        if kept {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
    }
}

async fn watch(copy: &PgPool, done: &AtomicBool) -> Vec<Shown> {
    let mut shown = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let Found { value, sight } = show(copy).await.unwrap();
        shown.push((value, sight));
    }
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_up_to_what_a_statement_sees_is_in_what_it_shows() {
    let servers = local::testing::private_replicated_postgres().await;
    let primary = pool(&servers.postgres().create_database("copies", "copies").await.unwrap()).await;
    let replica = pool(&servers.replica().url("copies", "copies")).await;
    sqlx::raw_sql("CREATE TABLE written (position bigint NOT NULL)").execute(&primary).await.unwrap();
    while show(&replica).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    let done = AtomicBool::new(false);
    let writing = async {
        future::join_all((0..8).map(|_| tokio::spawn(write(primary.clone(), 60)))).await;
        done.store(true, Ordering::Relaxed);
    };
    let ((), of_primary, of_replica) = tokio::join!(writing, watch(&primary, &done), watch(&replica, &done));
    let all = show(&primary).await.unwrap().value;
    assert!(all.len() > 200 && of_primary.len() > 10 && of_replica.len() > 10, "{}", all.len());
    for (copy, shown) in [("primary", of_primary), ("replica", of_replica)] {
        let mut lag = 0;
        for (shown, Sight { sees, shows }) in shown {
            let missed = all.iter().find(|position| position.cast_unsigned() <= sees && !shown.contains(position));
            assert_eq!(missed, None, "the {copy} says that it sees {sees}");
            assert_eq!(shown.last().map_or(0, |newest| newest.cast_unsigned()), shows, "{copy}");
            lag += usize::from(shows > sees);
        }
        // Writes overlap: what is shown already is not all that is seen.
        assert!(lag > 0, "{copy}");
    }
    servers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_to_be_seen_ends_where_ids_could_be_given_again_after_a_crash() {
    // Its own, as transactions of other databases hold back what a snapshot sees.
    let servers = Servers::start(Config::test([Server::Postgres]), |_| {}).await.unwrap();
    let primary = pool(&servers.postgres().create_database("copies", "copies").await.unwrap()).await;
    sqlx::raw_sql("CREATE TABLE written (position bigint NOT NULL)").execute(&primary).await.unwrap();
    write(primary.clone(), 10).await;
    // None of these ids need ever come to the disk.
    for _ in 0..10 {
        let mut transaction = primary.begin().await.unwrap();
        sqlx::query("SELECT pg_current_xact_id()").execute(&mut *transaction).await.unwrap();
        transaction.rollback().await.unwrap();
    }
    let (copies, strong) = (Copies::new(&primary, None), Demand::new(Level::Strong, None));
    let asking = |copy: PgPool| async move { show(&copy).await };
    let sight = show(&primary).await.unwrap().sight;
    let served = copies.read(&strong, asking).await.unwrap().served;
    assert_eq!((served.sees, served.shows), (sight.shows, sight.shows));
    assert!(served.sees < sight.sees, "{sight:?}");
    copies.wrote(sight.shows + 3);
    assert_eq!(copies.read(&strong, asking).await.unwrap().served.sees, sight.shows + 3);
    servers.stop().await;
}
