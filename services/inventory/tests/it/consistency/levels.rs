//! What each level shows while the replica is held back.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use contracts::consistency::LEVEL;
use reqwest::Method;

use super::stage::{Stage, Told, told};
use crate::world::{PATIENCE, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_level_shows_what_it_promises_and_no_more() {
    let stage = Stage::start(&[]).await;
    stage.pause().await;
    let written = stage.adjust(5, None).await;
    let old = async |level: &str, token: Option<&str>| {
        let told = stage.until_old("/stock/A", level, token).await;
        assert_eq!(told.stock(), ("replica", 10), "{level}");
        told
    };

    old("eventual", None).await;
    // Sessions that have written nothing, and seen nothing.
    let begun = old("session", None).await;
    old("monotonic", None).await;
    for level in ["session", "monotonic"] {
        assert_eq!(stage.stock(level, Some(written.token())).await.stock(), ("primary", 15), "{level}");
        old(level, Some(begun.token())).await;
    }
    let newest = stage.stock("strong", Some(begun.token())).await;
    assert_eq!(newest.stock(), ("primary", 15));
    // Another's write was shown: that counts for monotonic, and for session it does not.
    assert_eq!(stage.stock("monotonic", Some(newest.token())).await.stock(), ("primary", 15));
    old("session", Some(newest.token())).await;

    stage.resume().await;
    until("the replica to be new enough for the session", async || {
        let told = stage.stock("session", Some(written.token())).await;
        assert_eq!(told.stock().1, 15);
        (told.by == "replica").then_some(())
    })
    .await;
    assert_eq!(stage.stock("strong", None).await.stock(), ("primary", 15), "whatever the replica has");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_level_a_read_is_strong_and_a_list_of_stock_is_eventual() {
    let stage = Stage::start(&[]).await;
    stage.pause().await;
    let written = stage.adjust(5, None).await;
    let read = async |path: &str| told(stage.world.request(Method::GET, path).send().await.unwrap()).await;
    assert_eq!(read("/stock/A").await.stock(), ("primary", 15));
    let products = read("/products").await;
    let listed = until("the replica to answer", async || Some(read("/stock").await).filter(Told::is_old)).await;
    assert_eq!(listed.body["items"][0]["available"], 10);
    assert_eq!((&*products.by, &*read("/products/A").await.by), ("primary", "primary"));
    assert!(listed.token.is_none() && products.token.is_some(), "an eventual read begins no session");

    let request = stage.world.request(Method::GET, "/stock").header("Plumbline-Session", written.token());
    let of_session = told(request.send().await.unwrap()).await;
    assert_eq!((&*of_session.by, &of_session.body["items"][0]["available"]), ("primary", &15.into()));
    for path in ["/stock?limit=1", "/products?limit=1", "/products/A"] {
        assert_eq!(stage.until_old(path, "eventual", None).await.status, 200, "{path}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_says_how_old_it_is_and_of_which_version() {
    let stage = Stage::start(&[]).await;
    let fresh = stage.stock("strong", None).await;
    assert_eq!((&*fresh.age, fresh.age_ms, fresh.version), ("0", Some(0), fresh.body["version"].as_i64()));
    stage.pause().await;
    stage.adjust(5, None).await;
    let old = until("an answer that is a second old", async || {
        Some(stage.stock("eventual", None).await).filter(|told| told.is_old() && told.age_ms >= Some(1_000))
    })
    .await;
    assert_eq!(old.stock(), ("replica", 10));
    assert!(old.age.parse::<u64>().unwrap() == old.age_ms.unwrap() / 1_000, "{old:?}");
    assert_eq!(old.version, fresh.version);

    let list = stage.read("/stock", "strong", None).await;
    let product = stage.read("/products/A", "strong", None).await;
    assert_eq!(product.version, Some(1));
    assert!(list.version > product.version, "of several things it is the newest write's position");
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_an_answer_of_a_copy_like_any_other() {
    let stage = Stage::start(&[]).await;
    stage.pause().await;
    let body = serde_json::json!({"name": "B", "unit_price": {"minor": 1, "currency": "GBP"}});
    let made = stage.write(Method::PUT, "/products/B", body, None).await;
    assert_eq!(made.status, 201);
    for path in ["/products/B", "/stock/B"] {
        let session = stage.read(path, "session", made.token.as_deref()).await;
        assert_eq!(stage.until_old(path, "eventual", None).await.status, 404, "{path}");
        assert_eq!((session.status.as_u16(), &*session.by), (200, "primary"), "{path}");
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_too_old_is_not_asked_for_what_is_only_not_to_be_old() {
    let stage = Stage::start(&[("PLUMBLINE_CACHE_TTL_MILLIS", "1500")]).await;
    stage.pause().await;
    stage.adjust(5, None).await;
    until("the replica to be too old", async || {
        let told = stage.stock("eventual", None).await;
        assert!(told.age_ms.unwrap() <= 1_500, "{told:?}");
        (told.stock() == ("primary", 15)).then_some(())
    })
    .await;
    stage.resume().await;
    stage.until_the_replica_shows(15).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monotonic_session_never_goes_back_whoever_answers() {
    let stage = Stage::start(&[]).await;
    let (done, world) = (AtomicBool::new(false), &stage.world);
    let write = async {
        while !done.load(Ordering::Relaxed) {
            stage.adjust(1, None).await;
        }
    };
    // Both copies have answered the one, and the other has gone back.
    let (answered_by_both, went_back) = (AtomicBool::new(false), AtomicBool::new(false));
    let hold_back = async {
        let begun = Instant::now();
        // On a busy machine the replica is not asked each time.
        let is_enough = || answered_by_both.load(Ordering::Relaxed) && went_back.load(Ordering::Relaxed);
        for times in 1.. {
            stage.pause().await;
            tokio::time::sleep(Duration::from_millis(150)).await;
            stage.resume().await;
            tokio::time::sleep(Duration::from_millis(150)).await;
            if times >= 4 && is_enough() || begun.elapsed() > PATIENCE {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
    };
    let read = async |level: &'static str| {
        let (mut token, mut versions, mut by) = (None::<String>, Vec::new(), BTreeSet::new());
        while !done.load(Ordering::Relaxed) {
            // Every fourth read is strong, and counts.
            let level = if versions.len() % 4 == 3 { "strong" } else { level };
            let request = world.request(Method::GET, "/stock/A").header(LEVEL, level);
            let told = told(super::stage::with(request, token.as_deref()).send().await.unwrap()).await;
            versions.push(told.version.unwrap());
            by.insert(told.by);
            token = told.token;
            match level {
                "monotonic" => answered_by_both.store(by.len() > 1, Ordering::Relaxed),
                "session" => went_back.store(!versions.is_sorted(), Ordering::Relaxed),
                _ => {}
            }
        }
        (versions, by)
    };
    let ((), (), (monotonic, by), (session, _)) = tokio::join!(write, hold_back, read("monotonic"), read("session"));
    assert!(monotonic.is_sorted(), "{monotonic:?}");
    assert!(!session.is_sorted(), "a session that writes nothing may go back, and here it has to: {session:?}");
    assert_eq!(by.iter().collect::<Vec<_>>(), ["primary", "replica"]);
    stage.end().await;
}
