//! A PostgreSQL and its replica: what is written there is read here, later or not yet.

use std::time::Duration;

use local::{
    servers::{Config, Data, Server, Servers, Standing, StartError, State},
    testing::{self, until},
};
use sqlx::{Connection, Executor, PgConnection, Row};

/// The URLs of a database in the primary and in its replica, once that has it.
async fn database(servers: &Servers) -> (String, String) {
    let primary = servers.postgres().create_database("shop", "keeper").await.unwrap();
    let replica = servers.replica().url("shop", "keeper");
    run(&primary, "CREATE TABLE IF NOT EXISTS counted (n int)").await;
    until("the replica to have the table", async || read(&replica, "SELECT count(*)::int FROM counted").await).await;
    (primary, replica)
}

async fn run(url: &str, statement: &'static str) {
    PgConnection::connect(url).await.unwrap().execute(statement).await.unwrap();
}

/// A number; `None` while there is no answer.
async fn read(url: &str, statement: &'static str) -> Option<i32> {
    let mut connection = PgConnection::connect(url).await.ok()?;
    connection.fetch_one(statement).await.ok().map(|row| row.get(0))
}

async fn until_it_stands(servers: &Servers, what: &str, so: impl Fn(&Standing) -> bool) -> Standing {
    until(what, async || servers.replica().standing().await.ok().filter(|standing| so(standing))).await
}

const COUNT: &str = "SELECT count(*)::int FROM counted";

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_follows_and_refuses_to_be_written() {
    let servers = testing::private_replicated_postgres().await;
    let (primary, replica) = database(&servers).await;
    run(&primary, "INSERT INTO counted SELECT generate_series(1, 1000)").await;
    until("all rows", async || read(&replica, COUNT).await.filter(|count| *count == 1000)).await;

    let mut connection = PgConnection::connect(&replica).await.unwrap();
    let refused = connection.execute("INSERT INTO counted VALUES (1)").await.unwrap_err().to_string();
    assert!(refused.contains("read-only"), "{refused}");
    // The one is asked after the other, and PostgreSQL writes a little by itself.
    let stands = |standing: &Standing| standing.written.as_deref() == Some(&*standing.replayed);
    let standing = until_it_stands(&servers, "nothing between", stands).await;
    assert!(standing.streaming && !standing.paused && standing.behind.is_zero(), "{standing:?}");
    assert_eq!(standing.behind_bytes, Some(0));
    servers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_held_back_shows_what_was_until_it_replays_on() {
    let servers = testing::private_replicated_postgres().await;
    let (primary, replica) = database(&servers).await;
    servers.replica().pause_replay().await.unwrap();
    run(&primary, "INSERT INTO counted VALUES (1)").await;

    let standing = until_it_stands(&servers, "a lag", |standing| standing.behind_bytes > Some(0)).await;
    assert!(standing.paused && standing.behind > Duration::ZERO, "{standing:?}");
    assert_ne!(standing.written.as_deref(), Some(&*standing.replayed));
    assert_eq!((read(&primary, COUNT).await, read(&replica, COUNT).await), (Some(1), Some(0)));

    servers.replica().resume_replay().await.unwrap();
    until("the row", async || read(&replica, COUNT).await.filter(|count| *count == 1)).await;
    servers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_killed_catches_up() {
    let servers = testing::private_replicated_postgres().await;
    let (primary, replica) = database(&servers).await;
    servers.kill(Server::Replica).await.unwrap();
    assert!(matches!(servers.state(Server::Replica), Some(State::Ended(_))));
    assert_eq!(read(&replica, COUNT).await, None);
    run(&primary, "INSERT INTO counted SELECT generate_series(1, 1000)").await;
    servers.restart(Server::Replica).await.unwrap();
    until("all rows", async || read(&replica, COUNT).await.filter(|count| *count == 1000)).await;
    servers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_answers_while_its_primary_is_dead_and_follows_it_when_it_is_back() {
    let servers = testing::private_replicated_postgres().await;
    let (primary, replica) = database(&servers).await;
    servers.kill(Server::Postgres).await.unwrap();
    assert_eq!((read(&primary, COUNT).await, read(&replica, COUNT).await), (None, Some(0)));
    let standing = servers.replica().standing().await.unwrap();
    assert_eq!((standing.written, standing.behind_bytes), (None, None));
    // It needs nothing of the primary to be back itself.
    servers.restart(Server::Replica).await.unwrap();
    assert_eq!(read(&replica, COUNT).await, Some(0));

    servers.restart(Server::Postgres).await.unwrap();
    run(&primary, "INSERT INTO counted VALUES (1)").await;
    until("the row", async || read(&replica, COUNT).await.filter(|count| *count == 1)).await;
    servers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_left_out_for_a_while_is_copied_anew() {
    let folder = folder_for_all();
    let start = async |set: &[Server]| {
        let set = set.iter().copied().collect();
        let data = Data::Persistent(folder.path().join("data"));
        let config = Config { set, data, ..Config::test([]) };
        Servers::start(config, |_| {}).await.unwrap()
    };
    let both = [Server::Postgres, Server::Replica];
    let servers = start(&both).await;
    database(&servers).await;
    servers.stop().await;

    let servers = start(&both[..1]).await;
    let primary = servers.postgres().create_database("shop", "keeper").await.unwrap();
    run(&primary, "INSERT INTO counted VALUES (1)").await;
    // No log is kept for one that is not there.
    let slots = "SELECT count(*)::int FROM pg_replication_slots";
    assert_eq!(read(&servers.postgres().url("shop", "keeper"), slots).await, Some(0));
    servers.stop().await;

    let servers = start(&both).await;
    let replica = servers.replica().url("shop", "keeper");
    until("the row", async || read(&replica, COUNT).await.filter(|count| *count == 1)).await;
    servers.stop().await;
}

/// One that the servers' account can reach, whoever runs the test.
fn folder_for_all() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

#[tokio::test]
async fn a_replica_of_nothing_is_refused() {
    let refused = Servers::start(Config::test([Server::Replica]), |_| {}).await.unwrap_err();
    assert!(matches!(refused, StartError::NothingToFollow), "{refused}");
}
