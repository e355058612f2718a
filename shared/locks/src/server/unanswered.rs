//! A command to take keys that nobody has answered.
//!
//! A server that stands still has it in its buffer, and carries it out when it goes on: nobody would hold those keys, and
//! everybody would wait for their time to live. So a command to give them back is sent behind it, on the same connection: what
//! comes on one connection is carried out in order, though nobody waits for the answers any more. Sent on another it might be
//! carried out before, or never get there.

use tokio::runtime::Handle;

use super::{Owner, SCRIPTS, Server, connection::Run};
use crate::Keys;

/// What is to be given back, unless there is an answer. Dropped, it does so in the background.
pub(super) struct Unanswered<'a> {
    server: &'a Server,
    run: &'a Run,
    keys: &'a Keys,
    owner: Owner,
    runtime: Handle,
    answered: bool,
}

impl<'a> Unanswered<'a> {
    pub(super) fn new(server: &'a Server, run: &'a Run, keys: &'a Keys, owner: Owner) -> Self {
        Self { server, run, keys, owner, runtime: Handle::current(), answered: false }
    }

    pub(super) fn disarm(mut self) {
        self.answered = true;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let (server, run, keys, owner) = (self.server.clone(), self.run.clone(), self.keys.clone(), self.owner);
        self.runtime.spawn(async move {
            let releasing = SCRIPTS.release(&server.0.prefix, server.names(&keys), owner);
            // There may be no answer to this either; that it is sent is enough.
            let _: Result<usize, _> = server.0.connection.run_on(&run, &releasing).await;
        });
    }
}
