//! Every attribute of a span, with its type, and the names of metrics that several crates share; from OpenTelemetry's
//! semantic conventions 1.37 where they have one.

use std::time::Duration;

use crate::attribute::Key;

/// What failed, as a class: a status, or the name of an error's variant.
pub const ERROR_TYPE: Key<str> = Key::new("error.type");

/// HTTP server: <https://opentelemetry.io/docs/specs/semconv/http/> (stable).
pub mod http {
    use super::Key;

    /// `GET`, `POST`, …, or `_OTHER` for one that HTTP doesn't define.
    pub const REQUEST_METHOD: Key<str> = Key::new("http.request.method");
    /// The route's template: `/orders/{id}`.
    pub const ROUTE: Key<str> = Key::new("http.route");
    /// The status sent.
    pub const RESPONSE_STATUS_CODE: Key<i64> = Key::new("http.response.status_code");
    /// The path asked for, without the query.
    pub const URL_PATH: Key<str> = Key::new("url.path");
    /// Of a request to another service: where it went.
    pub const URL_FULL: Key<str> = Key::new("url.full");
    /// `http`.
    pub const URL_SCHEME: Key<str> = Key::new("url.scheme");
    /// Histogram, seconds: from the request's head to the response being handed on.
    pub const SERVER_REQUEST_DURATION: &str = "http.server.request.duration";
    /// Gauge: requests being served.
    pub const SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";
}

/// Messaging: <https://opentelemetry.io/docs/specs/semconv/messaging/> (development).
pub mod messaging {
    use super::Key;

    /// `kafka`.
    pub const SYSTEM: Key<str> = Key::new("messaging.system");
    /// The value of [`SYSTEM`].
    pub const KAFKA: &str = "kafka";
    /// `send`, `poll`, `process`.
    pub const OPERATION_NAME: Key<str> = Key::new("messaging.operation.name");
    /// `send`, `receive`, `process`.
    pub const OPERATION_TYPE: Key<str> = Key::new("messaging.operation.type");
    /// The topic.
    pub const DESTINATION_NAME: Key<str> = Key::new("messaging.destination.name");
    /// The partition, as text.
    pub const DESTINATION_PARTITION_ID: Key<str> = Key::new("messaging.destination.partition.id");
    /// The consumer group.
    pub const CONSUMER_GROUP_NAME: Key<str> = Key::new("messaging.consumer.group.name");
    /// How many messages the span covers.
    pub const BATCH_MESSAGE_COUNT: Key<i64> = Key::new("messaging.batch.message_count");
    /// The message's key.
    pub const KAFKA_MESSAGE_KEY: Key<str> = Key::new("messaging.kafka.message.key");
    /// The message's offset.
    pub const KAFKA_OFFSET: Key<i64> = Key::new("messaging.kafka.offset");
}

/// Databases: <https://opentelemetry.io/docs/specs/semconv/database/> (stable).
pub mod db {
    use super::Key;

    /// `postgresql`.
    pub const SYSTEM_NAME: Key<str> = Key::new("db.system.name");
    /// The value of [`SYSTEM_NAME`].
    pub const POSTGRESQL: &str = "postgresql";
    /// The statement in a few words.
    pub const QUERY_SUMMARY: Key<str> = Key::new("db.query.summary");
    /// How many rows it was given, or how many orders share a transaction.
    pub const OPERATION_BATCH_SIZE: Key<i64> = Key::new("db.operation.batch.size");
}

/// Calls of other processes: <https://opentelemetry.io/docs/specs/semconv/rpc/> (development).
pub mod rpc {
    use super::Key;

    /// `grpc`.
    pub const SYSTEM: Key<str> = Key::new("rpc.system");
    /// The value of [`SYSTEM`].
    pub const GRPC: &str = "grpc";
    /// `etcdserverpb.KV`, …
    pub const SERVICE: Key<str> = Key::new("rpc.service");
    /// `Put`, …
    pub const METHOD: Key<str> = Key::new("rpc.method");
    /// gRPC's number of the status; not set where no answer came.
    pub const GRPC_STATUS_CODE: Key<i64> = Key::new("rpc.grpc.status_code");
    /// Whom it was sent to: a name or an address.
    pub const SERVER_ADDRESS: Key<str> = Key::new("server.address");
    /// At which port.
    pub const SERVER_PORT: Key<i64> = Key::new("server.port");
}

/// The process and what it was started as: OpenTelemetry's resource.
pub mod resource {
    /// `plumbline-order`.
    pub const SERVICE_NAME: &str = "service.name";
    /// All services of the shop: `plumbline`.
    pub const SERVICE_NAMESPACE: &str = "service.namespace";
    /// The program's version.
    pub const SERVICE_VERSION: &str = "service.version";
    /// The instance.
    pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
    /// The machine's name.
    pub const HOST_NAME: &str = "host.name";
    /// The machine's architecture: `amd64`, `arm64`.
    pub const HOST_ARCH: &str = "host.arch";
    /// The process' id.
    pub const PROCESS_PID: &str = "process.pid";
    /// The program's file name.
    pub const PROCESS_EXECUTABLE_NAME: &str = "process.executable.name";
}

/// Waits, as attributes of the span that waited: each in seconds.
pub mod wait {
    use super::{Duration, Key};

    /// For the database to begin the transaction.
    pub const BEGIN: Key<Duration> = Key::new("plumbline.wait.begin");
    /// For a connection of the pool.
    pub const POOL: Key<Duration> = Key::new("plumbline.wait.pool");
    /// In the queue of the group commit.
    pub const COMMIT_QUEUE: Key<Duration> = Key::new("plumbline.wait.commit_queue");
    /// For the locks on rows, the statement that takes them included.
    pub const ROW_LOCKS: Key<Duration> = Key::new("plumbline.wait.row_locks");
    /// For the database to have the transaction on its disk.
    pub const COMMIT: Key<Duration> = Key::new("plumbline.wait.commit");
    /// In the outbox, from the transaction to the sending.
    pub const OUTBOX: Key<Duration> = Key::new("plumbline.wait.outbox");
    /// In the broker, from the sending to the fetching.
    pub const BROKER: Key<Duration> = Key::new("plumbline.wait.broker");
    /// For a lock, the queue in front of it included.
    pub const LOCK: Key<Duration> = Key::new("plumbline.wait.lock");
    /// In the consumer, until its batch was full or due.
    pub const BATCH: Key<Duration> = Key::new("plumbline.wait.batch");
    /// After a failure, until it was tried again.
    pub const RETRY: Key<Duration> = Key::new("plumbline.wait.retry");
    /// For the load of another process, whose value is cached then.
    pub const LOAD: Key<Duration> = Key::new("plumbline.wait.load");
    /// Of a request that prefers to wait: for the order's decision.
    pub const DECISION: Key<Duration> = Key::new("plumbline.wait.decision");
}

/// Of the shop.
pub mod shop {
    use super::Key;

    /// The order a span is about.
    pub const ORDER_ID: Key<str> = Key::new("plumbline.order.id");
    /// What became of it: `reserved`, `rejected`, `confirmed`, `repeated`, …
    pub const OUTCOME: Key<str> = Key::new("plumbline.outcome");
    /// How often a batch has failed before this.
    pub const RETRIES: Key<i64> = Key::new("plumbline.retries");
    /// Histogram, seconds: see [`EFFECT_LATENCY_IS`].
    pub const EFFECT_LATENCY: &str = "plumbline.order.effect.latency";
    /// What [`EFFECT_LATENCY`] says.
    pub const EFFECT_LATENCY_IS: &str = "Time from an order's being placed to its last effect, by which";
    /// Of [`EFFECT_LATENCY`]: `reservation_confirmed`, `learnt`.
    pub const EFFECT: &str = "plumbline.effect";
    /// The experiment that the caller says its request belongs to, see [`crate::baggage`].
    pub const SCENARIO: Key<str> = Key::new("plumbline.scenario");
    /// Why a span was kept though its trace is not sampled: `error` or `slow`.
    pub const KEPT: Key<str> = Key::new("plumbline.sampling.kept");
}

/// A distributed lock.
pub mod lock {
    use super::Key;

    /// The way it is taken: `redis-fenced`, …
    pub const STRATEGY: Key<str> = Key::new("plumbline.lock.strategy");
    /// How many keys are taken together.
    pub const KEYS: Key<i64> = Key::new("plumbline.lock.keys");
    /// The fencing token: epoch and counter.
    pub const TOKEN: Key<str> = Key::new("plumbline.lock.token");
}

/// A cache.
pub mod cache {
    use super::Key;

    /// The kind of the values: `stock`, …
    pub const KIND: Key<str> = Key::new("plumbline.cache.kind");
    /// How many are asked for together.
    pub const KEYS: Key<i64> = Key::new("plumbline.cache.keys");
}

/// A live setting.
pub mod setting {
    use super::Key;

    /// Which.
    pub const NAME: Key<str> = Key::new("plumbline.setting.name");
    /// What it was.
    pub const BEFORE: Key<str> = Key::new("plumbline.setting.before");
    /// What it is.
    pub const VALUE: Key<str> = Key::new("plumbline.setting.value");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    /// The table of the README holds every attribute there is, with its type.
    #[test]
    fn every_attribute_is_documented() {
        let source = include_str!("names.rs").split("#[cfg(test)]").next().unwrap_or_default();
        let defined: BTreeMap<_, _> = source
            .split("Key<")
            .filter_map(|text| {
                let (kind, rest) = text.split_once("> = Key::new(\"")?;
                Some((rest.split_once('"')?.0, kind))
            })
            .collect();
        let (_, table) = include_str!("../README.md").split_once("### Attributes").unwrap();
        let documented: BTreeMap<_, _> = table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| {
                let mut cells = line.split('|').map(str::trim).skip(1);
                let kind = |kind| match kind {
                    "string" => "str",
                    "int" => "i64",
                    "double" => "Duration",
                    other => other,
                };
                (cells.next().unwrap().trim_matches('`'), cells.next().map(kind).unwrap())
            })
            .collect();
        assert_eq!(documented, defined);
    }
}
