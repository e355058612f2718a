//! Kafka: one node that is broker and controller (KRaft).

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{config::Server, site::Site};
use crate::{folder, install, ports::Lease, process::Spec};

/// What to do about the archive of classes.
#[derive(Debug, Clone)]
pub(crate) enum ClassData {
    /// Read it, where it is there and fits.
    Use,
    /// Write it at the end.
    Make(PathBuf),
}

/// A broker to start.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) java: PathBuf,
    pub(crate) kafka: install::Kafka,
    pub(crate) port: Lease,
    pub(crate) controller_port: Lease,
    pub(crate) class_data: ClassData,
    /// Compile quickly rather than well: it starts in two thirds of the time, and is slower under load.
    pub(crate) quick: bool,
}

impl Broker {
    /// Makes its folder ready: the log folder is a copy of a formatted one, the settings are written anew.
    pub(crate) fn prepare(&self, site: &Site) -> io::Result<()> {
        let own = site.of(Server::Kafka);
        let (log, temporary) = (own.join("data"), own.join("tmp"));
        if !log.exists() {
            let staging = own.join("data.new");
            folder::remove(&staging)?;
            folder::copy(&self.kafka.formatted(), &staging, site.user)?;
            std::fs::rename(&staging, &log)?;
        }
        folder::make(&temporary, 0o700, site.user)?;
        let settings = settings(&log, self.port.port(), self.controller_port.port());
        folder::write(&own.join("server.properties"), &settings, 0o600, site.user)
    }

    pub(crate) fn spec(&self, site: &Site) -> Spec {
        let own = site.of(Server::Kafka);
        let mut args: Vec<String> = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError"]
            .map(String::from)
            .to_vec();
        args.extend(self.quick.then(|| "-XX:TieredStopAtLevel=1".to_owned()));
        args.push(match &self.class_data {
            ClassData::Use => format!("-XX:SharedArchiveFile={}", self.kafka.class_data().display()),
            ClassData::Make(file) => format!("-XX:ArchiveClassesAtExit={}", file.display()),
        });
        args.push(format!("-Djava.io.tmpdir={}", own.join("tmp").display()));
        // One line an event, with its time; without the four hundred lines of settings at each start.
        args.push("-Dorg.slf4j.simpleLogger.showDateTime=true".to_owned());
        args.push("-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX".to_owned());
        args.push("-Dorg.slf4j.simpleLogger.log.org.apache.kafka.common.config.AbstractConfig=warn".to_owned());
        args.extend(["-cp".to_owned(), self.kafka.lib().join("*").display().to_string()]);
        args.extend(["kafka.Kafka".to_owned(), own.join("server.properties").display().to_string()]);
        let spec = Spec::new(Server::Kafka.name(), &self.java, site.log(Server::Kafka));
        Spec { args, dir: own, user: site.user, ..spec }
    }

    /// Whether the broker answers, and is registered with the controller: before that it knows no broker to send to.
    pub(crate) async fn answers(&self) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.port.address()).await?;
        stream.write_all(&METADATA_REQUEST).await?;
        let length = stream.read_u32().await?;
        let mut answer = vec![0; length.min(64 * 1024) as usize];
        stream.read_exact(&mut answer).await?;
        match answer.get(4..8) {
            Some([0, 0, 0, 0]) | None => Err(io::Error::other("it is not registered with the controller yet")),
            Some(_) => Ok(()),
        }
    }
}

/// Kafka's Metadata request, version 1 (KIP-4), for no topic: length, key 3, version 1, correlation 1, no client
/// identifier, an empty list of topics. The answer: length, correlation, and the number of live brokers comes first.
const METADATA_REQUEST: [u8; 18] = [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xFF, 0xFF, 0, 0, 0, 0];

/// The settings of a node that keeps its log in `log`.
pub(crate) fn settings(log: &Path, port: u16, controller_port: u16) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
log.dirs={log}

# One node: nothing is replicated.
num.partitions=6
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# Topics are made on purpose, and keep what they are not told to forget.
auto.create.topics.enable=false
log.retention.ms=-1
message.max.bytes=4194304
replica.fetch.max.bytes=4194304

# A group's first member does not wait for others.
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=2097152
",
        log = log.display()
    )
}
