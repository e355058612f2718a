//! A position lets exactly one transaction take a message.

use contracts::topics::Topic;
use messaging::inbox::{AdvanceError, Span, advance};
use sqlx::PgPool;

use crate::stage::Stage;

fn span(first: i64, next: i64) -> Span {
    Span { topic: "orders.v1".to_owned(), kind: Topic::Orders, partition: 0, first, next }
}

async fn at(pool: &PgPool, next: i64) {
    sqlx::query("INSERT INTO inbox_position VALUES ('orders.v1', 0, $1)").bind(next).execute(pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_transactions_with_the_same_messages_one_is_refused() {
    let stage = Stage::new().await;
    at(&stage.pool, 10).await;
    let mut first = stage.pool.begin().await.unwrap();
    advance(&mut first, &[span(10, 20)]).await.unwrap();
    let pool = stage.pool.clone();
    let second = tokio::spawn(async move {
        let mut second = pool.begin().await.unwrap();
        advance(&mut second, &[span(10, 15)]).await
    });
    first.commit().await.unwrap();
    assert!(matches!(second.await.unwrap(), Err(AdvanceError::Superseded)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_rolled_back_leaves_the_position() {
    let stage = Stage::new().await;
    at(&stage.pool, 10).await;
    let mut first = stage.pool.begin().await.unwrap();
    advance(&mut first, &[span(10, 20)]).await.unwrap();
    first.rollback().await.unwrap();
    advance(&mut stage.pool.acquire().await.unwrap(), &[span(10, 15)]).await.unwrap();
    let again = advance(&mut stage.pool.acquire().await.unwrap(), &[span(14, 16)]).await;
    assert!(matches!(again, Err(AdvanceError::Superseded)));
    // Offsets may have gaps: compaction and transaction markers make them.
    advance(&mut stage.pool.acquire().await.unwrap(), &[span(18, 19)]).await.unwrap();
}
