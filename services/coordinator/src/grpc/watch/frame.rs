//! A message to the client, made of events that were encoded once for everybody who gets them.

use bytes::{BufMut as _, Bytes};
use consensus::{
    api::etcdserverpb::{ResponseHeader, WatchRequest, WatchResponse},
    watch::{ALL_WATCHERS, Delivery},
};
use prost::{
    Message as _,
    encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len},
};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

/// The number of the field `events` in a `WatchResponse`. It is the last.
const EVENTS: u32 = 11;

/// A `WatchResponse` whose events are encoded already.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    /// All but the events.
    pub(super) response: WatchResponse,
    /// `mvccpb.Event` messages.
    pub(super) events: Vec<Bytes>,
}

impl Frame {
    /// What a delivery is to the client. The second is whether the events may be sent in several messages.
    pub(super) fn new(delivery: Delivery, header: impl FnOnce(i64) -> ResponseHeader) -> (Self, bool) {
        let mut response = WatchResponse::default();
        let mut sent = Vec::new();
        let mut may_split = false;
        let told_at = match delivery {
            Delivery::Created { watch_id, revision } => {
                (response.watch_id, response.created) = (watch_id, true);
                revision
            }
            Delivery::Refused { revision, reason } => {
                (response.watch_id, response.created, response.canceled) = (ALL_WATCHERS, true, true);
                response.cancel_reason = reason;
                revision
            }
            Delivery::Events { watch_id, revision, events, fragment } => {
                (response.watch_id, sent, may_split) = (watch_id, events, fragment);
                revision
            }
            Delivery::Progress { watch_id, revision } => {
                response.watch_id = watch_id;
                revision
            }
            Delivery::Canceled { watch_id, revision } => {
                (response.watch_id, response.canceled) = (watch_id, true);
                revision
            }
            Delivery::Compacted { watch_id, compact_revision } => {
                (response.watch_id, response.canceled) = (watch_id, true);
                response.compact_revision = compact_revision;
                // etcd leaves the revision out here.
                0
            }
        };
        response.header = Some(header(told_at));
        (Self { response, events: sent }, may_split)
    }

    /// Splits it into messages below `max_bytes`, as far as single events allow.
    pub(super) fn split(self, max_bytes: usize) -> Vec<Self> {
        if self.events.len() < 2 || self.encoded_len() < max_bytes {
            return vec![self];
        }
        let part = WatchResponse { fragment: true, ..self.response.clone() };
        let own = part.encoded_len();
        let mut parts: Vec<Self> = Vec::new();
        let mut size = max_bytes;
        for event in self.events {
            let more = field_len(&event);
            if size + more >= max_bytes {
                parts.push(Self { response: part.clone(), events: Vec::new() });
                size = own;
            }
            size += more;
            if let Some(last) = parts.last_mut() {
                last.events.push(event);
            }
        }
        if let Some(last) = parts.last_mut() {
            last.response.fragment = false;
        }
        parts
    }

    fn encoded_len(&self) -> usize {
        self.response.encoded_len() + self.events.iter().map(field_len).sum::<usize>()
    }
}

fn field_len(event: &Bytes) -> usize {
    key_len(EVENTS) + encoded_len_varint(event.len() as u64) + event.len()
}

/// Reads requests, writes frames.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FrameCodec;

impl Codec for FrameCodec {
    type Encode = Frame;
    type Decode = WatchRequest;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for FrameCodec {
    type Item = Frame;
    type Error = Status;

    fn encode(&mut self, frame: Frame, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(frame.encoded_len());
        frame.response.encode_raw(buffer);
        for event in frame.events {
            encode_key(EVENTS, WireType::LengthDelimited, buffer);
            encode_varint(event.len() as u64, buffer);
            buffer.put(event);
        }
        Ok(())
    }
}

impl Decoder for FrameCodec {
    type Item = WatchRequest;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<WatchRequest>, Status> {
        WatchRequest::decode(buffer).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(events: usize) -> Frame {
        let response = WatchResponse { watch_id: 3, ..WatchResponse::default() };
        Frame { response, events: (0..events).map(|_| Bytes::from(vec![0; 100])).collect() }
    }

    #[test]
    fn splits_what_is_too_large_and_marks_all_but_the_last() {
        let parts = frame(10).split(350);
        assert!(parts.iter().all(|part| part.encoded_len() < 350));
        assert_eq!(parts.iter().map(|part| part.events.len()).collect::<Vec<_>>(), [3, 3, 3, 1]);
        let marks: Vec<bool> = parts.iter().map(|part| part.response.fragment).collect();
        assert_eq!(marks, [true, true, true, false]);
    }

    #[test]
    fn a_single_event_is_never_split() {
        assert_eq!(frame(1).split(10).len(), 1);
        assert_eq!(frame(3).split(10).len(), 3);
        assert_eq!(frame(10).split(10_000), [frame(10)]);
    }
}
