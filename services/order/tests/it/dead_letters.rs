//! Messages that can't be processed: they go to the dead-letter topic, and the rest goes on.

use contracts::{
    OrderId,
    event::{Event, ReleaseReason},
    order::OrderStatus,
    topics::Topic,
};
use serde::{Deserialize, Serialize};

use crate::shop::{Shop, until};

/// Not what its type should be.
#[derive(Serialize, Deserialize)]
struct Odd {
    order_id: u8,
}

macro_rules! odd {
    ($name:ident, $type:literal, $topic:ident) => {
        #[derive(Serialize, Deserialize)]
        struct $name(Odd);

        impl Event for $name {
            const TYPE: &'static str = $type;
            const TOPIC: Topic = Topic::$topic;

            fn key(&self) -> String {
                self.0.order_id.to_string()
            }
        }
    };
}
odd!(UnknownType, "plumbline.stock.stolen.v1", Stock);
odd!(BrokenValue, "plumbline.stock.reserved.v1", Stock);
odd!(BrokenProduct, "plumbline.product.upserted.v1", Catalog);
odd!(UnknownProduct, "plumbline.product.eaten.v1", Catalog);

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_understood_is_put_aside_and_the_rest_goes_on() {
    let shop = Shop::open().await;
    let order_service = shop.instance().await;
    let order = order_service.place(&[("A", 1)]).await;
    shop.inventory.say(&UnknownType(Odd { order_id: 1 })).await;
    shop.inventory.say(&BrokenValue(Odd { order_id: 2 })).await;
    shop.inventory.say_garbled(&BrokenValue(Odd { order_id: 3 }), no_json).await;
    shop.inventory.releases(OrderId::generate(), ReleaseReason::Cancelled).await;
    let mut nobodys = order.clone();
    nobodys.id = OrderId::generate();
    shop.inventory.reserves(&nobodys).await;
    shop.inventory.reserves(&order).await;
    order_service.until(order.id, OrderStatus::Confirmed).await;
    until("all that is odd to be put aside", || async { (shop.dead_letters().await == (5, 0)).then_some(()) }).await;

    // Once, whoever comes.
    order_service.app.stop().await;
    let next = shop.instance().await;
    let later = next.place(&[("A", 1)]).await;
    shop.inventory.reserves(&later).await;
    next.until(later.id, OrderStatus::Confirmed).await;
    assert_eq!(shop.dead_letters().await, (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_puts_odd_messages_aside_once_for_all_instances() {
    let shop = Shop::open().await;
    shop.inventory.say(&BrokenProduct(Odd { order_id: 1 })).await;
    let first = shop.instance().await;
    let _second = shop.instance().await;
    shop.inventory.say(&UnknownProduct(Odd { order_id: 2 })).await;
    shop.inventory.sells("D", 5).await;
    until("the new product", || async {
        (first.post(&crate::shop::wanted(&[("D", 1)]), &[]).await.status == 202).then_some(())
    })
    .await;
    until("what is odd to be put aside", || async { (shop.dead_letters().await == (0, 2)).then_some(()) }).await;
    first.app.stop().await;
    let third = shop.instance().await;
    third.place(&[("D", 1)]).await;
    until("the outbox to be empty", || async { (shop.number("SELECT count(*) FROM outbox").await == 0).then_some(()) })
        .await;
    assert_eq!(shop.dead_letters().await, (0, 2));
}

/// Makes the JSON of a frame's last message something else.
fn no_json(frame: &mut [u8]) {
    let brace = frame.iter().rposition(|byte| *byte == b'{').unwrap();
    frame[brace] = b'!';
}
