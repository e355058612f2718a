//! What the cache answers, and what it never does.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use contracts::consistency::{Key, Token};
use local::servers::Server;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

use super::stage::{KEY, Stage};
use crate::world::until;

/// The longest that a read may take while it is found out that memcached stands still: a few times what an exchange may take,
/// and what a busy machine needs.
const LONGEST: Duration = Duration::from_secs(5);

/// What memcached counts.
async fn count(stage: &Stage, name: &str) -> u64 {
    let mut stream = TcpStream::connect(stage.memcached().memcached().address()).await.unwrap();
    stream.write_all(b"stats\r\nquit\r\n").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("STAT {name} "))).unwrap();
    line.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_loaded_is_answered_from_the_cache_and_no_strong_read_is() {
    let stage = Stage::cached(1, &[]).await;
    let unknown = "/stock/none";
    for (path, status) in [("/stock/A", 200), ("/products/A", 200), (unknown, 404)] {
        let cached = stage.until_cached(0, path).await;
        assert_eq!(cached.status, status, "{path}");
        let strong = stage.read(path, "strong", None).await;
        assert_eq!((&*strong.by, strong.status, &*strong.age), ("primary", cached.status, "0"), "{path}");
        assert!(status == 404 || strong.body == cached.body, "{path}");
        assert_eq!(strong.version, cached.version, "{path}");
        assert!(stage.read(path, "eventual", None).await.token.is_none(), "{path}");
    }
    // What it shows counts for a monotonic session, as what a database shows does.
    let token = until("a monotonic read to be answered from the cache", async || {
        let told = stage.stock("monotonic", None).await;
        (told.by == "cache").then(|| told.token().to_owned())
    })
    .await;
    let key = Key::new(KEY.1.as_bytes());
    let decoded = Token::decode(&token, &key, cluster(&stage).await).unwrap();
    assert!(decoded.written == 0 && decoded.read > 0, "{decoded:?}");
    let old = until("an answer that is half a second old", async || {
        Some(stage.stock("eventual", None).await).filter(|told| told.by == "cache" && told.age_ms >= Some(500))
    })
    .await;
    assert_eq!(old.age.parse::<u64>().unwrap(), old.age_ms.unwrap() / 1_000);
    stage.end().await;
}

async fn cluster(stage: &Stage) -> u64 {
    let identifier: i64 = sqlx::query_scalar("SELECT system_identifier FROM pg_control_system()")
        .fetch_one(&stage.world.database)
        .await
        .unwrap();
    identifier.cast_unsigned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_sees_its_write_though_nobody_has_told_the_cache() {
    let stage = Stage::cached(1, &[]).await;
    stage.until_cached(0, "/stock/A").await;
    // By nobody who tells.
    let written: i64 = sqlx::query_scalar(
        "UPDATE stock SET available = 15, version = version + 1 WHERE sku = 'A'
         RETURNING pg_current_xact_id()::text::bigint + 1",
    )
    .fetch_one(&stage.world.database)
    .await
    .unwrap();
    let of = |token: Token| (token, Key::new(KEY.1.as_bytes()));
    let cluster = cluster(&stage).await;
    let encoded = |(token, key): (Token, Key)| token.encode(&key, cluster);
    let wrote = encoded(of(Token { written: written.cast_unsigned(), read: 0 }));
    let saw = encoded(of(Token { written: 0, read: written.cast_unsigned() }));
    assert_eq!(stage.stock("eventual", None).await.stock(), ("cache", 10));
    assert_eq!(stage.stock("session", Some(&saw)).await.stock(), ("cache", 10), "it has not written it");
    for (level, token) in [("session", &wrote), ("monotonic", &saw)] {
        // Until what was loaded sees so much: transactions of other tests may hold that back.
        until("the cache to be new enough", async || {
            let told = stage.stock(level, Some(token)).await;
            assert_eq!(told.stock().1, 15, "{level}");
            (told.by == "cache").then_some(())
        })
        .await;
    }
    stage.until_shown(0, 15).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monotonic_session_never_goes_back_between_instances_cache_and_replica() {
    let stage = Stage::cached_with_replica(2).await;
    stage.until_cached(0, "/stock/A").await;
    let done = AtomicBool::new(false);
    let (by_cache, by_others) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let write = async {
        for n in 0..12 {
            if n % 4 == 1 {
                stage.pause().await;
            }
            stage.adjust(1, None).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            if n % 4 == 3 {
                stage.resume().await;
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    let read = async |first: usize| {
        let (mut token, mut versions) = (None::<String>, Vec::new());
        while !done.load(Ordering::Relaxed) {
            let instance = (first + versions.len()) % 2;
            // Every fifth read is strong, and counts: what it was shown, the cache may not have.
            let level = if versions.len() % 5 == 4 { "strong" } else { "monotonic" };
            let told = stage.read_of(instance, "/stock/A", level, token.as_deref()).await;
            if level == "monotonic" {
                let counter = if told.by == "cache" { &by_cache } else { &by_others };
                counter.fetch_add(1, Ordering::Relaxed);
            }
            versions.push(told.version.unwrap());
            token = told.token;
        }
        assert!(versions.is_sorted(), "{versions:?}");
    };
    tokio::join!(write, read(0), read(1));
    let (by_cache, by_others) = (by_cache.into_inner(), by_others.into_inner());
    assert!(by_cache > 0 && by_others > 0, "{by_cache} by the cache, {by_others} by others");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn off_asks_nothing() {
    let stage = Stage::cached(1, &[("PLUMBLINE_CACHE_POLICY", "off")]).await;
    let before = count(&stage, "total_connections").await;
    for level in ["eventual", "session", "monotonic", "strong"] {
        assert_eq!(stage.stock(level, None).await.stock(), ("primary", 10), "{level}");
    }
    stage.adjust(1, None).await;
    stage.until_shown(0, 11).await;
    assert_eq!(count(&stage, "total_connections").await, before + 1, "the test's own");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_memcached_that_dies_or_stands_still_costs_nobody_an_error() {
    let stage = Stage::cached(1, &[]).await;
    stage.until_cached(0, "/stock/A").await;
    let read_all = async || {
        let mut by_cache = 0;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(1) {
            for level in ["strong", "session", "monotonic", "eventual"] {
                let told = timeout(LONGEST, stage.stock(level, None)).await.unwrap();
                assert_eq!(told.stock().1, 10, "{level}");
                by_cache += usize::from(told.by == "cache");
            }
        }
        by_cache
    };
    let soon = async || tokio::time::sleep(Duration::from_millis(200)).await;
    let kill = async {
        soon().await;
        stage.memcached().kill(Server::Memcached).await.unwrap();
    };
    tokio::join!(read_all(), kill);
    assert_eq!(stage.world.get("/readyz").await.0, 200);
    stage.memcached().restart(Server::Memcached).await.unwrap();
    stage.until_cached(0, "/stock/A").await;
    let stand_still = async {
        soon().await;
        stage.memcached().pause(Server::Memcached).unwrap();
    };
    tokio::join!(read_all(), stand_still);
    let written = timeout(LONGEST, stage.adjust(1, None)).await.unwrap();
    let session = timeout(LONGEST, stage.stock("session", Some(written.token()))).await.unwrap();
    assert_eq!(session.stock(), ("primary", 11));
    stage.memcached().resume(Server::Memcached).unwrap();
    stage.until_shown(0, 11).await;
    assert_eq!(stage.until_cached(0, "/stock/A").await.stock().1, 11);
    stage.end().await;
}
