//! Every write's token makes its session see it.

use contracts::OrderId;
use reqwest::Method;
use serde_json::json;

use super::stage::{KEY, Stage, Told, told, with};
use crate::world::{TOKEN, World};

/// Whether a session with the token of this answer is served by the primary, as the replica has not seen the write.
async fn needs_the_primary(stage: &Stage, written: &Told) -> bool {
    stage.stock("session", written.token.as_deref()).await.by == "primary"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_write_answers_a_token_that_the_held_back_replica_does_not_satisfy() {
    let stage = Stage::start(&[]).await;
    let product = |name: &str| json!({"name": name, "unit_price": {"minor": 255, "currency": "GBP"}});
    let before = stage.write(Method::PUT, "/products/A", product("A"), None).await;
    // Nothing was changed, and the replica has what is there.
    stage.until_old("/stock/A", "session", before.token.as_deref()).await;

    stage.pause().await;
    let put = stage.write(Method::PUT, "/products/A", product("MUG"), None).await;
    let same = stage.write(Method::PUT, "/products/A", product("MUG"), None).await;
    let made = stage.write(Method::PUT, "/products/B", product("CUP"), None).await;
    let id = OrderId::generate();
    let reservation = json!({"order_id": id, "lines": [{"sku": "A", "quantity": 2}]});
    let reserved = stage.write(Method::POST, "/reservations", reservation.clone(), None).await;
    let again = stage.write(Method::POST, "/reservations", reservation, None).await;
    let confirmed = stage.write(Method::POST, &format!("/reservations/{id}/confirm"), json!({}), None).await;
    let released = stage.write(Method::DELETE, &format!("/reservations/{id}"), json!({}), None).await;
    let released_again = stage.write(Method::DELETE, &format!("/reservations/{id}"), json!({}), None).await;
    let all = [put, same, made, reserved, again, confirmed, released, released_again];
    for (n, told) in all.iter().enumerate() {
        assert!(told.status.is_success(), "{n}: {told:?}");
        assert!(needs_the_primary(&stage, told).await, "{n}: {told:?}");
    }
    assert_eq!(all[6].token, all[7].token, "what changes nothing is where the change was");

    stage.resume().await;
    stage.until_the_replica_shows(10).await;
    for told in &all {
        stage.until_old("/stock/A", "session", told.token.as_deref()).await;
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_adjustment_answers_the_position_of_the_first() {
    let stage = Stage::start(&[]).await;
    stage.pause().await;
    let adjust = async || {
        let request = stage.world.request(Method::POST, "/stock/A/adjustments").bearer_auth(TOKEN);
        let request = request.header("Idempotency-Key", "once").json(&json!({"delta": 5, "reason": "count"}));
        told(request.send().await.unwrap()).await
    };
    let (first, again) = (adjust().await, adjust().await);
    assert_eq!((first.token(), &first.body), (again.token(), &again.body));
    assert_eq!(stage.stock("session", Some(again.token())).await.stock(), ("primary", 15));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_at_another_instance_and_writes_add_up() {
    let mut stage = Stage::start(&[]).await;
    stage.world.start_another().await;
    stage.pause().await;
    let first = stage.adjust(5, None).await;
    let of_other = stage.world.request_of(1, Method::GET, "/stock/A").header("Plumbline-Consistency", "session");
    let shown = told(with(of_other, first.token.as_deref()).send().await.unwrap()).await;
    assert_eq!(shown.stock(), ("primary", 15));

    let second = stage.adjust(1, Some(shown.token())).await;
    assert_eq!(stage.stock("monotonic", Some(second.token())).await.stock(), ("primary", 16));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_key_of_the_installation_a_token_holds_at_its_instance_alone() {
    let mut world = World::start().await;
    world.start_another_with(&[KEY]).await;
    world.stock_up(&[("A", 10)]).await;
    let read = async |instance: usize, token: Option<&str>| {
        let request = world.request_of(instance, Method::GET, "/stock/A").header("Plumbline-Consistency", "session");
        told(with(request, token).send().await.unwrap()).await
    };
    let begun = read(0, None).await;
    assert_eq!(read(0, begun.token.as_deref()).await.stock(), ("primary", 10), "there is no replica");
    let refused = read(1, begun.token.as_deref()).await;
    assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["parameter"]), (400, &"Plumbline-Session".into()));
    world.end().await;
}
