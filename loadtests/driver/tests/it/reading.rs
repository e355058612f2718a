//! Looking at products, and everybody wanting one value.

use std::{collections::BTreeMap, time::Duration};

use contracts::{Sku, consistency::Level};
use driver::{
    Rate,
    browse::{self, Browse, Popularity},
    retail::Retail,
    seed::{Cover, Seeding, Ware},
    stampede::{self, Stampede},
};

use crate::server::{Server, token};

async fn seeded(server: &Server, wares: &[Ware]) {
    Seeding::new(server.targets(), server.targets(), token()).run(wares, |_| {}).await.unwrap();
}

/// Of three orders, two have the one product and one has both.
fn retail() -> Retail {
    let header = "invoice,stock_code,description,quantity,invoiced_at,unit_price,customer_id,country";
    let line =
        |invoice: u32, code: &str| format!("{invoice},{code},THING,1,2010-12-01T08:26,2.55,17850,United Kingdom");
    let lines = [line(1, "10001"), line(2, "10001"), line(3, "10001"), line(3, "10002")];
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), [header.to_owned()].into_iter().chain(lines).collect::<Vec<_>>().join("\n")).unwrap();
    Retail::read(file.path()).unwrap()
}

fn looking(server: &Server, rate: Option<f64>) -> Browse {
    Browse {
        inventory: server.targets(),
        token: token(),
        popularity: Popularity::of(&retail()),
        rate: rate.map(|rate| Rate::new(rate).unwrap()),
        lasting: Duration::from_secs(1),
        connections: 8,
        level: Level::Eventual,
        write_share: 0.2,
        seed: 1,
    }
}

#[tokio::test]
async fn reads_are_counted_by_who_answered_with_their_ages() {
    let server = Server::well();
    seeded(&server, &retail().wares(Cover::default())).await;
    let report = browse::run(looking(&server, Some(500.0)), |_| {}).await.unwrap();
    assert_eq!((report.reads + report.writes, report.dropped, report.failed.len()), (500, 0, 0), "{report}");
    assert!(report.writes > 50 && report.by_cache > 100 && report.by_primary > 100, "{report}");
    assert_eq!(report.by_cache + report.by_primary, report.reads);
    assert!((report.hit_ratio - report.by_cache as f64 / report.reads as f64).abs() < 1e-9);
    assert_eq!((report.read_ms.count, report.write_ms.count), (report.reads, report.writes));
    assert!((6.9..7.1).contains(&report.age_ms.max), "{report}");
    let told = report.to_string();
    for words in ["reads at eventual", "by cache", "send lag"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // The orders have the one three times as often as the other.
    let wrote = |sku: &str| server.state.books.open().stocks[sku].len() as f64 - 1.0;
    let (one, other) = (wrote("10001"), wrote("10002"));
    assert!(one > other, "{one} {other}");
}

#[tokio::test]
async fn every_connection_is_kept_busy_and_what_fails_is_named() {
    let server = Server::well();
    let report = browse::run(looking(&server, None), |_| {}).await.unwrap();
    assert_eq!((report.reads, report.open_loop), (0, false), "{report}");
    assert!(report.failed["status 404: there is no such product"] > 100, "{report}");
}

#[tokio::test]
async fn everybody_is_answered_and_loads_are_counted() {
    let server = Server::well();
    let sku = Sku::try_from("WANTED").unwrap();
    seeded(&server, &[Ware { sku: sku.clone(), name: "Wanted".to_owned(), price_pence: 1, stock: 1 }]).await;
    let stampede = Stampede { inventory: server.targets(), token: token(), sku, callers: 40 };
    let report = stampede::run(stampede.clone()).await.unwrap();
    assert_eq!((report.callers, report.loads, report.wait_ms.count), (40, Some(40), 40), "{report}");
    assert_eq!((report.by, report.failed), (BTreeMap::from([("primary".to_owned(), 40)]), BTreeMap::new()));
    let refused = stampede::run(Stampede { callers: 0, ..stampede }).await.unwrap_err();
    assert!(refused.to_string().contains("callers must be 1 to"), "{refused}");
}
