//! Filling the shop once, twice, and otherwise.

use driver::{
    OperatorToken,
    seed::{Cover, SeedError, SeedReport, Seeding, Ware},
};

use crate::{
    retail_file::december,
    server::{Server, token},
};

fn seeding(server: &Server) -> Seeding {
    Seeding::new(server.targets(), server.targets(), token())
}

async fn seed(server: &Server, wares: &[Ware]) -> SeedReport {
    let mut last = None;
    let report = seeding(server).run(wares, |progress| last = Some(progress)).await.unwrap();
    let last = last.unwrap();
    assert_eq!(last.done, last.of);
    report
}

#[tokio::test]
async fn december_is_seeded_and_seeding_again_changes_nothing() {
    let server = Server::well();
    let wares = december().wares(Cover::default());
    let report = seed(&server, &wares).await;
    assert_eq!((report.products, report.products_put, report.stocked), (2_722, 2_722, 2_722));
    let stock = server.state.books.open().stock.clone();
    assert!(wares.iter().all(|ware| stock[&ware.sku] == i64::try_from(ware.stock).unwrap()));

    let again = seed(&server, &wares).await;
    assert_eq!((again.products_put, again.stocked, again.stocked_before), (0, 0, 2_722));
    assert_eq!(server.state.books.open().stock, stock);
    assert_eq!(server.state.books.open().puts, 2_722);
}

#[tokio::test]
async fn another_cover_changes_no_stock_and_says_so() {
    let server = Server::well();
    let retail = december();
    seed(&server, &retail.wares("0.5".parse().unwrap())).await;
    let stock = server.state.books.open().stock.clone();
    let report = seed(&server, &retail.wares("2".parse().unwrap())).await;
    assert_eq!((report.stocked, report.stocked_otherwise.len()), (0, 2_722));
    assert_eq!(server.state.books.open().stock, stock);
    assert!(report.to_string().contains("their stock is left as it is"), "{report}");
}

#[tokio::test]
async fn a_product_that_changed_is_put_again() {
    let server = Server::well();
    let mut wares: Vec<Ware> = december().wares(Cover::default()).into_iter().take(10).collect();
    seed(&server, &wares).await;
    wares[3].price_pence += 1;
    wares[7].stock = 0;
    let report = seed(&server, &wares).await;
    assert_eq!((report.products_put, report.stocked_before, report.stocked_otherwise.len()), (1, 9, 0));
}

#[tokio::test]
async fn a_wrong_token_is_told_as_such() {
    let server = Server::well();
    let wares = december().wares(Cover::default());
    let wrong = Seeding { token: OperatorToken::new("wrong").unwrap(), ..seeding(&server) };
    let error = wrong.run(&wares, |_| {}).await.unwrap_err();
    assert!(matches!(error, SeedError::Refused { status: 401, .. }), "{error}");
    assert!(error.to_string().contains("operator token"), "{error}");
    assert!(!format!("{wrong:?}").contains("wrong\""), "a token is not shown");
}
