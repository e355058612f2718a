//! Everybody wants one thing.

use std::{collections::BTreeSet, time::Duration};

use contracts::Sku;
use driver::{
    Drive, Rate,
    flash_sale::{self, Others, Report, Sale},
    ledger,
    seed::Seeding,
};

use crate::server::{Server, token};

fn sale(buyers: u64) -> Sale {
    let sku = Sku::try_from("FLASH").unwrap();
    Sale { sku, units: 50, buyers, rate: Rate::new(500.0).unwrap(), others: None }
}

async fn hold(server: &Server, sale: &Sale) -> Report {
    flash_sale::run(Drive::new(server.targets()), sale, |_| {}).await.unwrap()
}

#[tokio::test]
async fn a_sale_is_told_as_it_went() {
    let server = Server::well();
    server.state.books.open().left = Some(50);
    let report = hold(&server, &sale(200)).await;

    assert_eq!((report.units, report.buyers, report.sold, report.rejected), (50, 200, 50, 150), "{report}");
    assert_eq!((report.undecided, report.oversold, report.left, report.oversell()), (0, 0, 0, None));
    assert_eq!((report.placing_ms.count, report.deciding_ms.count), (200, 200));
    assert!(report.decided_per_second > 0.0);
    let told = report.to_string();
    for words in
        ["everybody wants one FLASH", "sold                   50 orders confirmed", "rejected              150"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    let page = server.state.books.open();
    let customers: BTreeSet<_> = page.bodies.iter().map(|order| order.customer_id.clone().unwrap()).collect();
    assert_eq!(customers.len(), 200, "each buyer is a customer");
}

#[tokio::test]
async fn what_was_sold_too_often_is_told_loudly() {
    let server = Server::well();
    let report = hold(&server, &sale(87)).await;
    assert_eq!((report.sold, report.oversold), (87, 37));
    assert_eq!(report.oversell().unwrap(), "OVERSOLD by 37: 87 buyers were promised one of 50 FLASH");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        (&json["oversold"], &json["sku"], &json["run"]["acknowledged"]),
        (&37.into(), &"FLASH".into(), &87.into())
    );
}

#[tokio::test]
async fn buyers_who_were_turned_away_from_what_is_left_are_told() {
    let server = Server::well();
    server.state.books.open().left = Some(30);
    let report = hold(&server, &sale(60)).await;
    assert_eq!((report.sold, report.rejected, report.left), (30, 30, 20));
    assert!(report.to_string().contains("20 though buyers were turned away"), "{report}");
}

#[tokio::test]
async fn others_are_measured_before_and_beside_the_sale() {
    let server = Server::well();
    let folder = tempfile::tempdir().unwrap();
    let others = Others { rate: Rate::new(200.0).unwrap(), before: Duration::from_millis(500) };
    let sale = Sale { others: Some(others), ..sale(500) };
    let drive = Drive { run: "evening".to_owned(), ..Drive::new(server.targets()) };
    let drive = Drive { ledger: Some(ledger::path(folder.path(), "evening")), ..drive };
    let report = flash_sale::run(drive, &sale, |_| {}).await.unwrap();

    let others = report.others.clone().unwrap();
    assert_eq!((report.sold, others.before_ms.count, others.not_confirmed), (500, 100, 0), "{report}");
    // The sale takes a second; how long it is decided and read for is the machine's.
    assert!(others.during_ms.count >= 150, "{report}");
    for ratio in [others.by_sale, others.by_load, others.by_heat] {
        assert!(ratio.p50.is_some() && ratio.p99.is_some(), "{report}");
    }
    assert_eq!(others.crowded_ms.count, 100, "the crowd is not among them: {report}");
    for told in ["in the sale others waited", "as many orders for anything", "all want one thing"] {
        assert!(report.to_string().contains(told), "{told}: {report}");
    }
    let written: u64 =
        ledger::files(folder.path()).unwrap().iter().map(|file| ledger::read(file).unwrap().len() as u64).sum();
    let (crowd, others) = (250, [others.before_ms, others.crowded_ms, others.during_ms].map(|times| times.count));
    assert_eq!(written, 500 + crowd + others.into_iter().sum::<u64>(), "all that was acknowledged is audited");
    assert_eq!(ledger::files(folder.path()).unwrap().len(), 5);
}

#[tokio::test]
async fn a_stock_is_brought_to_exactly_what_is_wanted() {
    let server = Server::well();
    let seeding = Seeding::new(server.targets(), server.targets(), token());
    let ware = sale(1).ware().unwrap();
    let stock = || server.state.books.open().stock.get("FLASH").copied();
    assert_eq!((seeding.exactly(&ware).await.unwrap(), stock()), (0, Some(50)));
    server.state.books.open().stock.insert(ware.sku.clone(), 7);
    assert_eq!((seeding.exactly(&ware).await.unwrap(), stock()), (7, Some(50)));
    server.state.books.open().stock.insert(ware.sku.clone(), 900);
    assert_eq!((seeding.exactly(&ware).await.unwrap(), stock()), (900, Some(50)));
    assert_eq!(seeding.exactly(&ware).await.unwrap(), 50);
    let page = server.state.books.open();
    assert_eq!((page.puts, page.adjustments.len()), (1, 3), "what is as it should be is left alone");
}
