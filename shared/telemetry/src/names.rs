//! Names of attributes and metrics, from OpenTelemetry's semantic conventions 1.37 where they have one.

/// HTTP server: <https://opentelemetry.io/docs/specs/semconv/http/> (stable).
pub mod http {
    /// `GET`, `POST`, …, or `_OTHER` for one that HTTP doesn't define.
    pub const REQUEST_METHOD: &str = "http.request.method";
    /// The route's template: `/orders/{id}`.
    pub const ROUTE: &str = "http.route";
    /// The status sent.
    pub const RESPONSE_STATUS_CODE: &str = "http.response.status_code";
    /// The path asked for, without the query.
    pub const URL_PATH: &str = "url.path";
    /// `http`.
    pub const URL_SCHEME: &str = "url.scheme";
    /// `1.1`.
    pub const PROTOCOL_VERSION: &str = "network.protocol.version";
    /// Histogram, seconds: from the request's head to the response's last byte being handed on.
    pub const SERVER_REQUEST_DURATION: &str = "http.server.request.duration";
    /// Gauge: requests being served.
    pub const SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";
}

/// Messaging: <https://opentelemetry.io/docs/specs/semconv/messaging/> (development).
pub mod messaging {
    /// `kafka`.
    pub const SYSTEM: &str = "messaging.system";
    /// The value of [`SYSTEM`].
    pub const KAFKA: &str = "kafka";
    /// `send`, `poll`, `process`.
    pub const OPERATION_NAME: &str = "messaging.operation.name";
    /// `send`, `receive`, `process`.
    pub const OPERATION_TYPE: &str = "messaging.operation.type";
    /// The topic.
    pub const DESTINATION_NAME: &str = "messaging.destination.name";
    /// The partition, as text.
    pub const DESTINATION_PARTITION_ID: &str = "messaging.destination.partition.id";
    /// The consumer group.
    pub const CONSUMER_GROUP_NAME: &str = "messaging.consumer.group.name";
    /// How many messages the span covers.
    pub const BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";
    /// The message's key.
    pub const KAFKA_MESSAGE_KEY: &str = "messaging.kafka.message.key";
    /// The message's offset.
    pub const KAFKA_OFFSET: &str = "messaging.kafka.offset";
    /// The message's id.
    pub const MESSAGE_ID: &str = "messaging.message.id";
}

/// Databases: <https://opentelemetry.io/docs/specs/semconv/database/> (stable).
pub mod db {
    /// `postgresql`.
    pub const SYSTEM_NAME: &str = "db.system.name";
    /// The value of [`SYSTEM_NAME`].
    pub const POSTGRESQL: &str = "postgresql";
    /// The database.
    pub const NAMESPACE: &str = "db.namespace";
    /// The table.
    pub const COLLECTION_NAME: &str = "db.collection.name";
    /// `INSERT`, `SELECT`, …
    pub const OPERATION_NAME: &str = "db.operation.name";
    /// The statement in a few words.
    pub const QUERY_SUMMARY: &str = "db.query.summary";
    /// The statement.
    pub const QUERY_TEXT: &str = "db.query.text";
    /// How many statements the span covers, where they are sent together.
    pub const OPERATION_BATCH_SIZE: &str = "db.operation.batch.size";
}

/// What failed, as a class: a status, or the name of an error's variant.
pub const ERROR_TYPE: &str = "error.type";

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
    /// The process' id.
    pub const PROCESS_PID: &str = "process.pid";
}

/// Waits, as attributes of the span that waited: each in seconds.
pub mod wait {
    /// For a connection of the pool.
    pub const POOL: &str = "plumbline.wait.pool";
    /// In the queue of the group commit.
    pub const COMMIT_QUEUE: &str = "plumbline.wait.commit_queue";
    /// In the outbox, from the transaction to the sending.
    pub const OUTBOX: &str = "plumbline.wait.outbox";
    /// In the broker, from the sending to the fetching.
    pub const BROKER: &str = "plumbline.wait.broker";
    /// In the consumer, until its batch was full or due.
    pub const BATCH: &str = "plumbline.wait.batch";
}
