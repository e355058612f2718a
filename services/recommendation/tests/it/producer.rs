//! Writing to the topic as any program may, in any language: Kafka's own console producer.

use std::process::Stdio;

use contracts::{
    OrderId, Timestamp,
    event::{Event, OrderConfirmed},
    topics::Topic,
};
use messaging::Topics;
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, ChildStdin, Command},
};

/// A producer that sends each line it is given.
pub(crate) struct Producer {
    lines: ChildStdin,
    _process: Child,
}

impl Producer {
    pub(crate) async fn start(bootstrap: &str, topics: &Topics) -> Self {
        let kafka = local::install::kafka().await.unwrap();
        let mut process = Command::new("java")
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m", "-cp"])
            .arg(kafka.lib().join("*"))
            .args(["org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", bootstrap])
            .args(["--topic", &topics.name(Topic::Orders), "--command-property", "linger.ms=0"])
            .args(["--reader-property", "parse.key=true", "--reader-property", "parse.headers=true"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { lines: process.stdin.take().unwrap(), _process: process }
    }

    /// Sends messages: a CloudEvents type, a key and a value each.
    pub(crate) async fn send(&mut self, messages: &[(&str, String, String)]) {
        let line = |(event_type, key, value): &(&str, String, String)| {
            format!("ce_specversion:1.0,ce_type:{event_type}\t{key}\t{value}\n")
        };
        let lines: String = messages.iter().map(line).collect();
        self.lines.write_all(lines.as_bytes()).await.unwrap();
        self.lines.flush().await.unwrap();
    }

    /// Confirms an order of one piece of each.
    pub(crate) async fn confirm(&mut self, order: OrderId, skus: &[&str]) {
        self.send(&[confirmation(order, skus)]).await;
    }
}

pub(crate) fn confirmation(order: OrderId, skus: &[&str]) -> (&'static str, String, String) {
    let lines: Vec<Value> = skus.iter().map(|sku| json!({"sku": sku, "quantity": 1})).collect();
    let body = json!({"order_id": order, "lines": lines, "decided_at": Timestamp::now()});
    (OrderConfirmed::TYPE, order.to_string(), body.to_string())
}
