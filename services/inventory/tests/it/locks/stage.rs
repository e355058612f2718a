//! A world whose stock is locked at a Redis of its own.

use std::process::{ExitStatus, Stdio};

use coordination::Cluster;
use local::testing::{self, PrivateRedis};
use locks::Token;
use tokio::{process::Command, time::timeout};

use super::instance::Instance;
use crate::world::{PATIENCE, World};

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) redis: PrivateRedis,
    pub(crate) cluster: Cluster,
}

impl Stage {
    /// One instance in this process, whose locks live for `ttl`, in milliseconds.
    pub(crate) async fn start(strategy: &str, ttl: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_at(testing::coordinators().await.endpoints(), strategy, ttl, variables).await
    }

    /// The same at these coordinators.
    pub(crate) async fn start_at(
        coordinators: &[String],
        strategy: &str,
        ttl: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let redis = testing::private_redis().await;
        let cluster = Cluster::new(coordination::Config::new(coordinators, testing::prefix())).unwrap();
        let (url, endpoints) = (redis.url(), coordinators.join(","));
        let own = [
            ("PLUMBLINE_COORDINATORS", &*endpoints),
            ("PLUMBLINE_COORDINATION_PREFIX", &cluster.config().prefix),
            ("PLUMBLINE_INSTANCE", "inventory-1"),
            ("PLUMBLINE_REDIS_URL", &url),
            ("PLUMBLINE_LOCK_STRATEGY", strategy),
            ("PLUMBLINE_LOCK_TTL_MILLIS", ttl),
            ("PLUMBLINE_LOCK_PATIENCE_MILLIS", "30000"),
            ("PLUMBLINE_RESERVE_PATIENCE_SECONDS", "60"),
        ];
        let variables: Vec<_> = own.into_iter().chain(variables.iter().copied()).collect();
        Self { world: World::start_with(&variables).await, redis, cluster }
    }

    /// Another instance, a process that stops between its last look at the lock and its first write of stock.
    pub(crate) async fn one_that_will_stand_still(&self) -> Instance {
        Instance::start(&self.world, "inventory-2", &[("PLUMBLINE_STOP_AT", "stock.before-write")]).await
    }

    /// Runs an instance as a process until it ends.
    pub(crate) async fn dies(&self, variables: &[(&str, &str)]) -> ExitStatus {
        let mut dying = Command::new(env!("CARGO_BIN_EXE_plumbline-inventory"));
        dying.envs(self.world.variables()).envs(variables.iter().copied()).stderr(Stdio::null()).kill_on_drop(true);
        timeout(PATIENCE, dying.spawn().unwrap().wait()).await.unwrap().unwrap()
    }

    /// Has instances only that are processes, of which metrics can be read.
    pub(crate) async fn only_processes<const N: usize>(&mut self, variables: &[(&str, &str)]) -> [Instance; N] {
        self.world.apps.remove(0).stop().await;
        let mut instances = Vec::new();
        for n in 0..N {
            instances.push(Instance::start(&self.world, &format!("inventory-{}", n + 2), variables).await);
        }
        instances.try_into().ok().unwrap()
    }

    /// Ends it, and instances that are processes; the world ends without any.
    pub(crate) async fn end_processes(self, instances: impl IntoIterator<Item = Instance>) {
        instances.into_iter().for_each(drop);
        self.world.end().await;
    }

    /// What is available and what is reserved, as the row of stock has it.
    pub(crate) async fn level(&self, sku: &str) -> (i64, i64) {
        sqlx::query_as("SELECT available, reserved FROM stock WHERE sku = $1")
            .bind(sku)
            .fetch_one(&self.world.database)
            .await
            .unwrap()
    }

    /// How many pieces live reservations hold.
    pub(crate) async fn held(&self, sku: &str) -> i64 {
        sqlx::query_scalar(
            "SELECT coalesce(sum((line->>'quantity')::bigint), 0)::bigint
               FROM reservations, jsonb_array_elements(lines) AS line WHERE status IN (0, 1) AND line->>'sku' = $1",
        )
        .bind(sku)
        .fetch_one(&self.world.database)
        .await
        .unwrap()
    }

    /// The greatest token that has stored it.
    pub(crate) async fn token(&self, sku: &str) -> Token {
        let (epoch, counter) = sqlx::query_as("SELECT token_epoch, token_counter FROM stock WHERE sku = $1")
            .bind(sku)
            .fetch_one(&self.world.database)
            .await
            .unwrap();
        Token::from_columns(epoch, counter).unwrap()
    }
}
