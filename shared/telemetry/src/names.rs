//! Attribute names, in one place: OpenTelemetry's semantic conventions 1.37 where they have one, ours otherwise.

/// The instance of a service, unique among its instances.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
/// The service's version.
pub const SERVICE_VERSION: &str = "service.version";
/// The process's id.
pub const PROCESS_PID: &str = "process.pid";

/// HTTP method.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
/// The route's pattern, never the path itself.
pub const HTTP_ROUTE: &str = "http.route";
/// HTTP status.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// The path as it was asked for.
pub const URL_PATH: &str = "url.path";
/// `http` or `https`.
pub const URL_SCHEME: &str = "url.scheme";

/// Always `kafka` here.
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// The topic.
pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
/// `send`, `process`.
pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
/// `send`, `process`.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
/// The partition.
pub const MESSAGING_DESTINATION_PARTITION_ID: &str = "messaging.destination.partition.id";
/// The offset.
pub const MESSAGING_KAFKA_OFFSET: &str = "messaging.kafka.offset";
/// How many messages the batch has.
pub const MESSAGING_BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";

/// Which order.
pub const ORDER_ID: &str = "plumbline.order.id";
/// The order's status after the span.
pub const ORDER_STATUS: &str = "plumbline.order.status";
/// How long an order waited for its group commit to begin, in milliseconds.
pub const COMMIT_WAIT_MS: &str = "plumbline.commit.wait_ms";
/// How many orders its group commit held.
pub const COMMIT_BATCH_SIZE: &str = "plumbline.commit.batch_size";
