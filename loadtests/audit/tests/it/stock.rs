//! Stock that is wrong.

use audit::Check;

use crate::world::{World, oversold, sku};

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_too_many_is_found() {
    let world = World::new().await;
    world.in_inventory("UPDATE stock SET available = available + 1 WHERE sku = 'A'").await;
    let found = "expected 5 available and 3 reserved (adjustments add up to 8, live reservations to 3), found 6 and 3";
    world.finds(Check::StockAddsUp, sku("A"), found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_reserved_for_nobody_is_found() {
    let world = World::new().await;
    world.in_inventory("UPDATE stock SET available = available - 1, reserved = reserved + 1 WHERE sku = 'B'").await;
    let found = "expected 4 available and 1 reserved (adjustments add up to 5, live reservations to 1), found 3 and 2: \
        1 released count as reserved, as after an update that was lost";
    world.finds(Check::StockAddsUp, sku("B"), found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adjustment_that_was_lost_is_found() {
    let world = World::new().await;
    world.in_inventory("DELETE FROM stock_adjustments WHERE delta = -2").await;
    let found = "expected 7 available and 3 reserved (adjustments add up to 10, live reservations to 3), found 5 and 3";
    world.finds(Check::StockAddsUp, sku("A"), found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_without_a_row_is_found() {
    let world = World::new().await;
    world.in_inventory("DELETE FROM stock WHERE sku = 'C'").await;
    let found = "expected a row of stock, found none, though adjustments add up to 3";
    world.finds(Check::StockAddsUp, sku("C"), found).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_of_what_is_not_kept_are_found() {
    let world = World::new().await;
    let (id, lines) = (world.orders.other, r#"'[{"sku": "Z", "quantity": 1}]'"#);
    world.in_order(format!("UPDATE orders SET lines = jsonb_set(lines, '{{0,sku}}', '\"Z\"') WHERE id = '{id}'")).await;
    world.in_inventory(format!("UPDATE reservations SET lines = {lines} WHERE order_id = '{id}'")).await;
    world.balance().await;
    let unkept = "expected a row of stock, found none, though live reservations hold 1";
    let oversold = oversold(0, 1, &[("order", id, 1, 27)]);
    world.finds_all(sku("Z"), &[(Check::StockAddsUp, unkept), (Check::StockNotOversold, &oversold)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_below_zero_is_found() {
    let world = World::new().await;
    // The database itself forbids it, until somebody alters the table.
    world.in_inventory("ALTER TABLE stock DROP CONSTRAINT stock_available_check").await;
    world.in_inventory("UPDATE stock_adjustments SET delta = 1 WHERE delta = 10").await;
    world.balance().await;
    let negative = "expected neither below 0, found -4 available and 3 reserved";
    let oversold = oversold(-1, 3, &[("order", world.orders.other, 1, 27), ("order", world.orders.confirmed, 2, 26)]);
    world.finds_all(sku("A"), &[(Check::StockNotNegative, negative), (Check::StockNotOversold, &oversold)]).await;
}
