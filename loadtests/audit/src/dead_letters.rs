//! Asking Kafka for messages that were put aside.

use messaging::{Topics, dead_letters};

use crate::{AuditError, Check, Subject, findings::Findings};

/// Counts every topic's dead letters. Takes up to 10 s where Kafka does not answer.
///
/// # Errors
/// When it does not, or lacks a dead-letter topic.
pub(crate) async fn examine(kafka: &str, topics: &Topics, findings: &mut Findings) -> Result<(), AuditError> {
    let failed = |source| AuditError::Kafka { bootstrap: kafka.to_owned(), source };
    let asked = {
        let (kafka, topics) = (kafka.to_owned(), topics.clone());
        tokio::task::spawn_blocking(move || dead_letters::count(&kafka, &topics))
    };
    let counts = asked.await.map_err(|error| failed(error.into()))?.map_err(|error| failed(error.into()))?;
    for (topic, count) in counts {
        findings.examined(Check::DeadLettersEmpty, 1);
        if count != 0 {
            let what = format!("expected none, found {count} set aside");
            findings.wrong(Check::DeadLettersEmpty, Subject::Topic(topics.dead_letter_name(topic)), what);
        }
    }
    Ok(())
}
