//! Somebody else who writes to a topic.

use std::process::Stdio;

use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    install::{InstallError, Programs},
    servers::Server,
};

/// Why it could not be written.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("Kafka's console producer: {0}")]
    Refused(String),
}

/// Writes a message with these headers to a topic, by Kafka's own console producer: what the shop's services never write
/// themselves. None of the parts may hold a tab or the end of a line, no header a comma or a colon.
///
/// # Panics
/// When Kafka does not take it.
pub async fn write_as_a_stranger(bootstrap: &str, topic: &str, headers: &[(&str, &str)], key: &str, value: &str) {
    let written = write(bootstrap, topic, headers, key, value).await;
    written.unwrap_or_else(|fault| panic!("a stranger could not write to {topic}: {fault}"));
}

async fn write(bootstrap: &str, topic: &str, headers: &[(&str, &str)], key: &str, value: &str) -> Result<(), Fault> {
    let kafka = crate::install::kafka().await?;
    let programs = Programs::find(&[Server::Kafka].into()).map_err(InstallError::Missing)?;
    let mut producer = Command::new(&programs.java.program)
        .args(["-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-cp"])
        .arg(kafka.lib().join("*"))
        .args(["org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", bootstrap, "--topic", topic])
        .args(["--reader-property", "parse.headers=true", "--reader-property", "parse.key=true"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    let mut input = producer.stdin.take().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::BrokenPipe))?;
    input.write_all(format!("{}\t{key}\t{value}\n", headers.join(",")).as_bytes()).await?;
    drop(input);
    let ended = producer.wait_with_output().await?;
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    // It ends well, too, where the broker refuses, and says so.
    if ended.status.success() && !said.contains("ERROR") { Ok(()) } else { Err(Fault::Refused(said)) }
}
