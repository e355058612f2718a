//! A product that another has keeps back whoever wants it, and nobody else.

use std::os::unix::process::ExitStatusExt;

use contracts::OrderId;
use locks::{Config, Guard, Keys, Locks, Request, Strategy};

use super::stage::Stage;
use crate::world::{PATIENCE, placed, push};

/// Long enough for all that is published at once to come as one batch.
const TOGETHER: (&str, &str) = ("PLUMBLINE_CONSUMER_BATCH_WAIT_MILLIS", "500");

struct Apart {
    stage: Stage,
    /// Of the one product.
    lock: Guard,
    /// Wants what another has.
    hot: OrderId,
    /// Want something else, and both.
    calm: OrderId,
    both: OrderId,
}

impl Apart {
    /// Another has the lock of `HOT`. Nothing is published yet.
    async fn start() -> Self {
        let stage = Stage::start("redis-fenced", "30000", &[TOGETHER]).await;
        stage.world.stock_up(&[("HOT", 10), ("A", 10)]).await;
        let prefix = format!("{}:locks:", stage.cluster.config().prefix);
        let config = Config { prefix, ..Config::new(stage.redis.url()) };
        let locks = Locks::fixed(config, Strategy::RedisFenced, Some(stage.cluster.clone())).unwrap();
        let lock = locks.lock(&Keys::one("HOT"), Request::within(PATIENCE)).await.unwrap();
        let calm = OrderId::generate();
        // Of one partition, so that none can come before the others do.
        let mut beside = std::iter::repeat_with(OrderId::generate).filter(|id| id.bucket(8) == calm.bucket(8));
        let [hot, both] = [(); 2].map(|()| beside.next().unwrap());
        drop(beside);
        Self { stage, lock, hot, calm, both }
    }

    async fn publish(&self) {
        let publishing = self.stage.world.publish(|batch| {
            push(batch, &placed(self.hot, &[("HOT", 1)]));
            push(batch, &placed(self.both, &[("A", 1), ("HOT", 1)]));
            push(batch, &placed(self.calm, &[("A", 1)]));
        });
        publishing.await;
    }

    /// Who wants nothing of what another has is decided, and told once.
    async fn calm_is_decided(&self) {
        assert_eq!(self.stage.world.until_told(self.calm, 1).await, ["reserved"]);
        assert_eq!(self.stage.level("A").await, (9, 1));
        for waits in [self.hot, self.both] {
            assert_eq!(self.stage.world.reservation(waits).await, None);
        }
    }

    /// Once the lock is given back, all others are, too, and everything happened once.
    async fn ends(self) {
        let Self { stage, lock, hot, calm, both } = self;
        lock.release().await;
        for order in [hot, both] {
            assert_eq!(stage.world.until_told(order, 1).await, ["reserved"]);
        }
        stage.world.settle().await;
        assert_eq!(stage.world.until_told(calm, 1).await, ["reserved"]);
        assert_eq!((stage.level("A").await, stage.level("HOT").await), ((8, 2), (8, 2)));
        stage.world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_for_other_products_do_not_wait() {
    let apart = Apart::start().await;
    apart.publish().await;
    apart.calm_is_decided().await;
    apart.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_decided_first_stays_when_the_instance_dies_before_the_rest() {
    let mut apart = Apart::start().await;
    apart.stage.world.apps.remove(0).stop().await;
    apart.publish().await;
    let status = apart.stage.dies(&[TOGETHER, ("PLUMBLINE_CRASH_AT", "consumer.part-taken")]).await;
    assert!(status.signal().is_some(), "ended by itself: {status}");
    apart.stage.world.start_another().await;
    apart.calm_is_decided().await;
    apart.ends().await;
}
