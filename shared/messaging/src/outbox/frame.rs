//! How messages stand in a frame: length-prefixed, in a version of its own.
//!
//! ```text
//! frame   = version:u8 message*
//! message = kind:u8 topic:u8 key:text (event | dead letter) payload:bytes
//! event   = id:16 type:text source:text time:i64 traceparent:text [baggage:text, of a kind of its own]
//! letter  = count:u8 (name:text value:bytes)*
//! text    = length:u16 UTF-8          bytes = length:u32 octets          numbers are big-endian
//! ```

use std::borrow::Cow;

use contracts::{Timestamp, topics::Topic};
use telemetry::{baggage::Baggage, context::TraceContext};
use uuid::Uuid;

use super::topic_index;

const VERSION: u8 = 1;
/// Holds events with baggage, which a program of version 1 does not know.
const VERSION_WITH_BAGGAGE: u8 = 2;
const EVENT: u8 = 0;
const DEAD_LETTER: u8 = 1;
const EVENT_WITH_BAGGAGE: u8 = 2;

/// Bytes that are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Written by a version that this one does not know.
    #[error("frame version {0} is not known to this program; run the version that wrote it, or a newer one")]
    Version(u8),
    /// Cut off, or not written by us.
    #[error("frame is damaged at byte {0}")]
    Damaged(usize),
}

/// A message that waits to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outgoing<'a> {
    Event {
        topic: Topic,
        key: Cow<'a, str>,
        id: Uuid,
        event_type: Cow<'a, str>,
        source: Cow<'a, str>,
        time: Timestamp,
        trace: Option<TraceContext>,
        baggage: Option<Baggage>,
        payload: Cow<'a, [u8]>,
    },
    DeadLetter {
        topic: Topic,
        key: Cow<'a, str>,
        headers: Vec<(String, Vec<u8>)>,
        payload: Cow<'a, [u8]>,
    },
}

/// Messages of one bucket, being written.
#[derive(Debug)]
pub(crate) struct Frame {
    bytes: Vec<u8>,
    messages: u32,
}

impl Default for Frame {
    fn default() -> Self {
        Self { bytes: vec![VERSION], messages: 0 }
    }
}

impl Frame {
    pub(crate) fn push(&mut self, message: &Outgoing<'_>) {
        self.messages += 1;
        match message {
            Outgoing::Event { topic, key, id, event_type, source, time, trace, baggage, payload } => {
                let kind = if baggage.is_some() { EVENT_WITH_BAGGAGE } else { EVENT };
                self.bytes.extend([kind, topic_index(*topic)]);
                self.text(key);
                self.bytes.extend(id.as_bytes());
                self.text(event_type);
                self.text(source);
                self.bytes.extend(time.unix_micros().to_be_bytes());
                match trace {
                    Some(trace) => self.text(&trace.to_string()),
                    None => self.text(""),
                }
                if let Some(baggage) = baggage {
                    self.bytes[0] = VERSION_WITH_BAGGAGE;
                    self.text(baggage.as_str());
                }
                self.octets(payload);
            }
            Outgoing::DeadLetter { topic, key, headers, payload } => {
                self.bytes.extend([DEAD_LETTER, topic_index(*topic)]);
                self.text(key);
                let headers = &headers[..headers.len().min(usize::from(u8::MAX))];
                self.bytes.push(headers.len() as u8);
                for (name, value) in headers {
                    self.text(name);
                    self.octets(value);
                }
                self.octets(payload);
            }
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.messages
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Texts longer than 64 KiB are cut at a character: only a hostile key or header can be that long.
    fn text(&mut self, text: &str) {
        let mut length = text.len().min(usize::from(u16::MAX));
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        self.bytes.extend((length as u16).to_be_bytes());
        self.bytes.extend(&text.as_bytes()[..length]);
    }

    fn octets(&mut self, octets: &[u8]) {
        self.bytes.extend((octets.len() as u32).to_be_bytes());
        self.bytes.extend(octets);
    }

    /// Reads a frame's messages.
    pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Outgoing<'_>>, Unreadable> {
        let mut reader = Reader { bytes, at: 0 };
        match reader.byte()? {
            VERSION | VERSION_WITH_BAGGAGE => {}
            other => return Err(Unreadable::Version(other)),
        }
        let mut messages = Vec::new();
        while reader.at < bytes.len() {
            messages.push(reader.message()?);
        }
        Ok(messages)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn message(&mut self) -> Result<Outgoing<'a>, Unreadable> {
        let kind = self.byte()?;
        let index = self.byte()?;
        let topic = Topic::ALL.into_iter().find(|topic| topic_index(*topic) == index).ok_or(self.damaged())?;
        let key = self.text()?.into();
        match kind {
            EVENT | EVENT_WITH_BAGGAGE => Ok(Outgoing::Event {
                topic,
                key,
                id: Uuid::from_bytes(self.array()?),
                event_type: self.text()?.into(),
                source: self.text()?.into(),
                time: Timestamp::from_unix_micros(i64::from_be_bytes(self.array()?)).ok_or(self.damaged())?,
                trace: self.text()?.parse().ok(),
                baggage: match kind {
                    EVENT_WITH_BAGGAGE => Baggage::read([self.text()?.as_bytes()]),
                    _ => None,
                },
                payload: self.octets()?.into(),
            }),
            DEAD_LETTER => {
                let count = self.byte()?;
                let headers = (0..count)
                    .map(|_| Ok((self.text()?.to_owned(), self.octets()?.to_vec())))
                    .collect::<Result<_, Unreadable>>()?;
                Ok(Outgoing::DeadLetter { topic, key, headers, payload: self.octets()?.into() })
            }
            _ => Err(self.damaged()),
        }
    }

    fn damaged(&self) -> Unreadable {
        Unreadable::Damaged(self.at)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.bytes.len()).ok_or(self.damaged())?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("take gives exactly the length asked for"))
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        self.array().map(|[byte]| byte)
    }

    fn text(&mut self) -> Result<&'a str, Unreadable> {
        let length = u16::from_be_bytes(self.array()?);
        let at = self.at;
        std::str::from_utf8(self.take(usize::from(length))?).map_err(|_| Unreadable::Damaged(at))
    }

    fn octets(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = u32::from_be_bytes(self.array()?);
        self.take(length as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outgoing() -> impl Strategy<Value = Outgoing<'static>> {
        let topic = prop::sample::select(Topic::ALL.to_vec());
        let payload = prop::collection::vec(any::<u8>(), 0..200);
        let headers = prop::collection::vec((".{0,8}", prop::collection::vec(any::<u8>(), 0..8)), 0..4);
        let event = (
            topic.clone(),
            ".{0,40}",
            any::<[u8; 16]>(),
            ".{0,40}",
            0i64..4_000_000_000_000_000,
            payload.clone(),
            "(a=[a-z]{0,9})?",
        )
            .prop_map(|(topic, key, id, event_type, time, payload, baggage)| Outgoing::Event {
                topic,
                key: key.into(),
                id: Uuid::from_bytes(id),
                event_type: event_type.into(),
                source: "/plumbline/test".into(),
                time: Timestamp::from_unix_micros(time).unwrap(),
                trace: None,
                baggage: Baggage::read([baggage.as_bytes()]),
                payload: payload.into(),
            });
        let letter = (topic, ".{0,40}", headers, payload).prop_map(|(topic, key, headers, payload)| {
            Outgoing::DeadLetter { topic, key: key.into(), headers, payload: payload.into() }
        });
        prop_oneof![event, letter]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(messages in prop::collection::vec(outgoing(), 0..20)) {
            let mut frame = Frame::default();
            messages.iter().for_each(|message| frame.push(message));
            prop_assert_eq!(frame.len() as usize, messages.len());
            let bytes = frame.into_bytes();
            prop_assert_eq!(Frame::read(&bytes).unwrap(), messages);
        }

        #[test]
        fn a_frame_that_was_cut_is_refused(message in outgoing(), cut in 1usize..40) {
            let mut frame = Frame::default();
            frame.push(&message);
            let bytes = frame.into_bytes();
            let cut = cut.min(bytes.len() - 2);
            prop_assert!(Frame::read(&bytes[..bytes.len() - cut]).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Frame::read(&bytes);
        }
    }
}
