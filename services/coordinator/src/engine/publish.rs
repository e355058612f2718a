//! Tells the others this member's name and where its clients find it.

use std::time::Duration;

use consensus::api::logpb::{Command, MemberAttributes, command::Operation};

use super::{Engine, Identity};

/// The pause after an attempt that failed at once.
const PAUSE: Duration = Duration::from_millis(100);

/// Publishes through the log, for as long as it takes. Returns whether it is published: false when the member stops
/// before.
pub async fn publish(engine: &Engine, client_urls: Vec<String>) -> bool {
    let Identity { member_id, cluster_id, name } = engine.identity().clone();
    let attributes = MemberAttributes { id: member_id, name, client_urls };
    loop {
        let command = Command { operation: Some(Operation::MemberAttributes(attributes.clone())) };
        let published = tokio::select! {
            published = engine.replicate(command) => published.map(drop),
            () = engine.appears(&attributes) => Ok(()),
            () = engine.stopping() => return false,
        };
        match published {
            Ok(()) => {
                tracing::info!(
                    "local-member-id" = %format_args!("{member_id:x}"),
                    "cluster-id" = %format_args!("{cluster_id:x}"),
                    "published local member to cluster through raft"
                );
                return true;
            }
            Err(error) => {
                tracing::warn!(%error, "failed to publish local member to cluster through raft");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Engine {
    /// Waits until the store comes to show this. A member that joins may get what it published with the first snapshot,
    /// and no answer: then this is it. What the store has shown from the start is of an earlier run.
    async fn appears(&self, attributes: &MemberAttributes) {
        let shown = || {
            let store = self.store();
            let member = store.members().get(attributes.id);
            member.is_some_and(|member| member.name == attributes.name && member.client_ur_ls == attributes.client_urls)
        };
        let mut applied = self.applied();
        if !shown() {
            while applied.changed().await.is_ok() {
                if shown() {
                    return;
                }
            }
        }
        std::future::pending().await
    }
}
