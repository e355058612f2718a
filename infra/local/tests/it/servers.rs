//! Real servers: they answer, keep what they acknowledged when they are killed, let nobody in without a password, and
//! leave nothing behind.

use std::path::PathBuf;

use local::servers::{Config, Server, Servers, State};
use sqlx::{Connection, Executor, PgConnection, Row};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn start(set: impl IntoIterator<Item = Server>) -> Servers {
    Servers::start(Config::test(set), |_| {}).await.unwrap()
}

/// The folder of a set, which holds its logs.
fn folder(servers: &Servers) -> PathBuf {
    let log = servers.log(Server::Postgres);
    log.ancestors().nth(2).unwrap().to_owned()
}

async fn say(address: std::net::SocketAddr, words: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(words.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn all_start_answer_and_are_gone_with_their_folder() {
    let servers = start(Server::ALL).await;
    for server in Server::ALL {
        assert!(matches!(servers.state(server), Some(State::Running { .. })), "{server}");
        assert!(servers.log(server).is_file(), "{server}");
    }
    assert!(say(servers.memcached().address(), "version\r\nquit\r\n").await.starts_with("VERSION 1."));
    let refused = say(servers.redis().address(), "PING\r\nQUIT\r\n").await;
    assert!(refused.starts_with("-NOAUTH"), "{refused}");

    let folder = folder(&servers);
    assert!(folder.is_dir());
    servers.stop().await;
    assert!(!folder.exists(), "{}", folder.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_postgres_acknowledged_is_there_when_it_is_back() {
    let servers = start([Server::Postgres]).await;
    let url = servers.postgres().create_database("kept", "keeper").await.unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection.execute("CREATE TABLE kept AS SELECT 42 AS n").await.unwrap();
    servers.kill(Server::Postgres).await.unwrap();
    assert!(matches!(servers.state(Server::Postgres), Some(State::Ended(_))));
    servers.restart(Server::Postgres).await.unwrap();

    let mut connection = PgConnection::connect(&url).await.unwrap();
    let n: i32 = connection.fetch_one("SELECT n FROM kept").await.unwrap().get(0);
    assert_eq!(n, 42);
    servers.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_its_roles_alone_and_an_auditor_may_only_read() {
    let servers = start([Server::Postgres]).await;
    let postgres = servers.postgres();
    let own = postgres.create_database("one", "one").await.unwrap();
    let other = postgres.create_database("two", "two").await.unwrap();
    assert_eq!(postgres.create_database("one", "one").await.unwrap(), own, "made once");
    PgConnection::connect(&own).await.unwrap().execute("CREATE TABLE t AS SELECT 1 AS n").await.unwrap();

    let strange = other.strip_suffix("/two").unwrap().to_owned() + "/one";
    let error = PgConnection::connect(&strange).await.unwrap_err().to_string();
    assert!(error.contains("permission denied"), "{error}");
    let wrong = own.replacen("one:", "one:not-", 1);
    assert!(PgConnection::connect(&wrong).await.unwrap_err().to_string().contains("password authentication failed"));

    let mut auditor = PgConnection::connect(&postgres.read_only_url("one")).await.unwrap();
    auditor.fetch_one("SELECT n FROM t").await.unwrap();
    for statement in ["INSERT INTO t VALUES (2)", "DROP TABLE t", "CREATE TABLE u (n int)"] {
        assert!(auditor.execute(statement).await.is_err(), "{statement}");
    }
    servers.stop().await;
}
