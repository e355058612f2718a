//! Events as they go over the wire, encoded once for all who get them.

use bytes::Bytes;
use prost::Message as _;

use crate::store::{EventRef, Store};

/// One event, encoded when it is first asked for.
#[derive(Default)]
pub(super) struct Encoded {
    plain: Option<Bytes>,
    with_previous: Option<Bytes>,
}

impl Encoded {
    /// An `mvccpb.Event`, with the version before the change if it is asked for and there was one.
    pub(super) fn get(&mut self, event: &EventRef<'_>, prev_kv: bool, store: &Store) -> Bytes {
        let slot = if prev_kv { &mut self.with_previous } else { &mut self.plain };
        slot.get_or_insert_with(|| encode(event, prev_kv, store)).clone()
    }
}

fn encode(event: &EventRef<'_>, prev_kv: bool, store: &Store) -> Bytes {
    let mut message = event.event();
    let created = message.kv.as_ref().is_some_and(|kv| !event.tombstone && kv.create_revision == kv.mod_revision);
    if prev_kv && !created {
        message.prev_kv = store.previous(event.key, event.main);
    }
    Bytes::from(message.encode_to_vec())
}
