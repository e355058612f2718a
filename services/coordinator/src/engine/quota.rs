//! Refuses what does not fit, before it costs an entry of the log.

use consensus::api::{
    etcdserverpb::{AlarmRequest, AlarmType, alarm_request::AlarmAction},
    logpb::{Command, command::Operation},
};

use super::{Engine, ProposeError};

impl Engine {
    /// Raises the alarm on all members when a command would not fit into this one's store.
    pub(super) async fn check_quota(&self, command: &Command) -> Result<(), ProposeError> {
        if !self.store().would_exceed(command) {
            return Ok(());
        }
        let member = self.identity().member_id;
        tracing::warn!(member = %format_args!("{member:x}"), "the store is full: alarm raised", );
        let alarm =
            AlarmRequest { action: AlarmAction::Activate.into(), member_id: member, alarm: AlarmType::Nospace.into() };
        // The command is refused either way; the next one raises the alarm again.
        if let Err(error) = self.replicate(Command { operation: Some(Operation::Alarm(alarm)) }).await {
            tracing::warn!(%error, "the alarm could not be raised");
        }
        Err(ProposeError::NoSpace)
    }
}
