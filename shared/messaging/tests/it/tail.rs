//! A tail gives what stands in a topic, and says when it has.

use std::sync::{Arc, Mutex};

use contracts::{OrderId, topics::Topic};
use messaging::tail::{self, Config, Start};

use crate::stage::{Stage, eventually, number};

fn tail(stage: &Stage, start: Start) -> (tail::Handle, Arc<Mutex<Vec<i64>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = seen.clone();
    let (bootstrap, topics) = (stage.bootstrap.clone(), stage.topics.clone());
    let handle = tail::start(Config { bootstrap, topics, topic: Topic::Orders, start }, move |message| {
        kept.lock().unwrap().push(number(&message.payload).1);
    })
    .unwrap();
    (handle, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn gives_everything_there_is_and_then_what_comes() {
    let stage = Stage::new().await;
    let (empty, _) = tail(&stage, Start::Earliest);
    empty.caught_up().await;
    empty.stop().await;

    let order = OrderId::generate();
    let relay = stage.relay();
    for n in 0..10 {
        stage.say(&[order], n).await;
    }
    eventually("the outbox is empty", async || stage.outbox_depth().await == 0).await;
    let (all, seen) = tail(&stage, Start::Earliest);
    let (last, newest) = tail(&stage, Start::Last(3));
    all.caught_up().await;
    last.caught_up().await;
    assert_eq!(*seen.lock().unwrap(), (0..10).collect::<Vec<_>>());
    assert_eq!(*newest.lock().unwrap(), [7, 8, 9]);

    stage.say(&[order], 10).await;
    eventually("the new one is given too", async || newest.lock().unwrap().last() == Some(&10)).await;
    all.stop().await;
    last.stop().await;
    relay.stop().await;
}
