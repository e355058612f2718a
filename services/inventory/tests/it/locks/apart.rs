//! A product that another has keeps back whoever wants it, and nobody else.

use std::os::unix::process::ExitStatusExt;

use contracts::OrderId;
use locks::{Config, Guard, Keys, Locks, Request, Strategy};

use super::stage::Stage;
use crate::world::{PATIENCE, placed, push, until};

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
        stage.world.stock_up(&[("HOT", 10), ("A", 10), ("B", 10)]).await;
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

    /// Has more come, of which the first is decided though what came before it waits: that one wants something else, the others
    /// what is waited for, and both.
    async fn more_comes(&self) -> [OrderId; 3] {
        let mut beside = std::iter::repeat_with(OrderId::generate).filter(|id| id.bucket(8) == self.calm.bucket(8));
        let [calm, hot, both] = [(); 3].map(|()| beside.next().unwrap());
        drop(beside);
        let publishing = self.stage.world.publish(|batch| {
            push(batch, &placed(hot, &[("HOT", 1)]));
            push(batch, &placed(both, &[("B", 1), ("HOT", 1)]));
            push(batch, &placed(calm, &[("B", 1)]));
        });
        publishing.await;
        [calm, hot, both]
    }

    /// One is decided, and told once, and the others are not.
    async fn only_first_is_decided(&self, [calm, hot, both]: [OrderId; 3]) {
        assert_eq!(self.stage.world.until_told(calm, 1).await, ["reserved"]);
        assert_eq!(self.stage.level("B").await, (9, 1));
        for waits in [self.hot, self.both, hot, both] {
            assert_eq!(self.stage.world.reservation(waits).await, None);
        }
    }

    /// Once the lock is given back, all others are decided, too, and everything happened once.
    async fn ends(self, more: &[OrderId]) {
        let Self { stage, lock, hot, calm, both } = self;
        lock.release().await;
        for order in [&[hot, both], more].concat() {
            assert_eq!(stage.world.until_told(order, 1).await, ["reserved"]);
        }
        stage.world.settle().await;
        for order in [&[hot, both, calm], more].concat() {
            assert_eq!(stage.world.until_told(order, 1).await, ["reserved"]);
        }
        // Of three more, two want what was waited for.
        let hot = 2 + more.len().min(2) as i64;
        assert_eq!((stage.level("A").await, stage.level("HOT").await), ((8, 2), (10 - hot, hot)));
        stage.world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_for_other_products_do_not_wait() {
    let apart = Apart::start().await;
    apart.publish().await;
    apart.calm_is_decided().await;
    apart.ends(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_behind_a_batch_that_waits_does_not_wait_either() {
    let apart = Apart::start().await;
    apart.publish().await;
    apart.calm_is_decided().await;
    let more = apart.more_comes().await;
    apart.only_first_is_decided(more).await;
    apart.ends(&more).await;
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
    apart.ends(&[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_decided_beside_a_batch_that_waits_stays_when_the_instance_dies() {
    let mut apart = Apart::start().await;
    apart.stage.world.apps.remove(0).stop().await;
    let more = async {
        apart.publish().await;
        until("the first to be decided", async || (apart.stage.level("A").await == (9, 1)).then_some(())).await;
        apart.more_comes().await
    };
    let dying = [TOGETHER, ("PLUMBLINE_CRASH_AT", "consumer.part-taken:2")];
    let (status, more) = tokio::join!(apart.stage.dies(&dying), more);
    assert!(status.signal().is_some(), "ended by itself: {status}");
    apart.stage.world.start_another().await;
    apart.only_first_is_decided(more).await;
    apart.ends(&more).await;
}
