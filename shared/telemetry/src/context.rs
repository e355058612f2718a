//! The trace context as it travels between processes: W3C Trace Context (Level 2), header `traceparent`.

mod scope;

use std::{fmt, str::FromStr};

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

pub use self::scope::{Scoped, in_scope, of_scope, scoped};

/// The name of the HTTP header, and of the Kafka header, that carries a [`TraceContext`].
pub const TRACEPARENT: &str = "traceparent";

/// How many characters a `traceparent` of version 00 has.
pub const LENGTH: usize = 55;

/// What flags we know: `sampled` and, from Level 2, `random trace id`. A sender must set the others to zero.
const KNOWN_FLAGS: u8 = 0b11;
/// Level 2: the right half of the trace's id is random.
const RANDOM: u8 = 0b10;

/// Where a piece of work stands in a trace: the trace, the span above it, and whether the trace is recorded.
///
/// It is `Copy` and 32 bytes or less, so that it goes along with every request, outbox message and Kafka record.
/// `tracestate`, which the specification allows a hop to leave out, is not carried.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    flags: u8,
}

/// Text that is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTraceparent {
    /// Too short, too long, or its dashes stand elsewhere.
    #[error("must read version-traceid-spanid-flags with 2, 32, 16 and 2 digits")]
    Shape,
    /// A part holds something else than the digits 0 to 9 and a to f.
    #[error("may hold only the digits 0 to 9 and a to f, in lower case")]
    Digit,
    /// Version ff is forbidden.
    #[error("version ff is forbidden")]
    Version,
    /// A trace or span id of zeros means that there is none.
    #[error("the trace id and the span id must not be all zeros")]
    Zero,
}

impl TraceContext {
    /// The context of an OpenTelemetry span; `None` where it has no valid ids, as no-op spans have.
    pub fn of(span: &SpanContext) -> Option<Self> {
        span.is_valid().then(|| Self {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
            flags: span.trace_flags().to_u8() & KNOWN_FLAGS,
        })
    }

    /// Reads a `traceparent` from the octets of a header.
    ///
    /// A version above 00 is read as far as version 00 goes, as the specification asks.
    ///
    /// # Errors
    /// [`InvalidTraceparent`]; the specification asks to go on as if there was no header then.
    pub fn from_header(octets: &[u8]) -> Result<Self, InvalidTraceparent> {
        let fixed: &[u8; LENGTH] = octets.first_chunk().ok_or(InvalidTraceparent::Shape)?;
        if fixed[2] != b'-' || fixed[35] != b'-' || fixed[52] != b'-' {
            return Err(InvalidTraceparent::Shape);
        }
        let version = hex(&fixed[0..2])? as u8;
        match (version, octets.get(LENGTH)) {
            (0xff, _) => return Err(InvalidTraceparent::Version),
            (0, Some(_)) => return Err(InvalidTraceparent::Shape),
            (_, Some(&next)) if next != b'-' => return Err(InvalidTraceparent::Shape),
            _ => {}
        }
        let trace_id = hex(&fixed[3..35])?;
        let span_id = hex(&fixed[36..52])? as u64;
        let flags = hex(&fixed[53..55])? as u8;
        if trace_id == 0 || span_id == 0 {
            return Err(InvalidTraceparent::Zero);
        }
        Ok(Self { trace_id: trace_id.into(), span_id: span_id.into(), flags: flags & KNOWN_FLAGS })
    }

    /// The `traceparent` that says the same, in version 00, without an allocation.
    pub fn to_header(self) -> Traceparent {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], &self.trace_id.to_bytes());
        write_hex(&mut text[36..52], &self.span_id.to_bytes());
        write_hex(&mut text[53..55], &[self.flags]);
        Traceparent(text)
    }

    /// The context of a span that begins here; the trace's id is random.
    pub(crate) fn new(trace_id: TraceId, span_id: SpanId, sampled: bool) -> Self {
        Self { trace_id, span_id, flags: RANDOM | u8::from(sampled) }
    }

    /// The flags that we know, as the header and OTLP have them.
    pub(crate) fn flags(self) -> u8 {
        self.flags
    }

    /// The trace.
    pub fn trace_id(self) -> TraceId {
        self.trace_id
    }

    /// The span that what comes next hangs below.
    pub fn span_id(self) -> SpanId {
        self.span_id
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(self) -> bool {
        TraceFlags::new(self.flags).is_sampled()
    }

    /// The same for OpenTelemetry's API: a parent in another process.
    pub fn to_remote(self) -> SpanContext {
        SpanContext::new(self.trace_id, self.span_id, TraceFlags::new(self.flags), true, TraceState::NONE)
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_header(text.as_bytes())
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_header().as_str())
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A `traceparent` as text, on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traceparent([u8; LENGTH]);

impl Traceparent {
    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("holds only hexadecimal digits and dashes")
    }

    /// The same as octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn hex(digits: &[u8]) -> Result<u128, InvalidTraceparent> {
    digits.iter().try_fold(0u128, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err(InvalidTraceparent::Digit),
        };
        Ok(value << 4 | u128::from(digit))
    })
}

fn write_hex(to: &mut [u8], octets: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, octet) in to.chunks_exact_mut(2).zip(octets) {
        pair[0] = DIGITS[usize::from(octet >> 4)];
        pair[1] = DIGITS[usize::from(octet & 0xf)];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_again(trace in 1u128.., span in 1u64.., flags in 0u8..4) {
            let context = TraceContext { trace_id: trace.into(), span_id: span.into(), flags };
            prop_assert_eq!(context.to_string().parse(), Ok(context));
            prop_assert_eq!(TraceContext::of(&context.to_remote()), Some(context));
        }

        #[test]
        fn no_octets_make_it_panic(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = TraceContext::from_header(&octets);
        }

        #[test]
        fn nearly_right_text_is_read_or_refused_without_a_panic(text in "[0-9a-fA-F]{2}-[0-9a-fg]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?") {
            if let Ok(context) = text.parse::<TraceContext>() {
                prop_assert_eq!(&context.to_string()[3..52], &text[3..52]);
            }
        }

        #[test]
        fn one_changed_octet_never_reads_as_the_same(at in 3usize..52, to in any::<u8>()) {
            let mut octets = EXAMPLE.as_bytes().to_vec();
            prop_assume!(octets[at] != to);
            octets[at] = to;
            prop_assert_ne!(TraceContext::from_header(&octets), EXAMPLE.parse());
        }
    }

    /// From the specification.
    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_example_of_the_specification() {
        let context: TraceContext = EXAMPLE.parse().unwrap();
        assert_eq!(context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.span_id().to_string(), "00f067aa0ba902b7");
        assert!(context.is_sampled());
        assert_eq!(context.to_string(), EXAMPLE);
    }

    #[test]
    fn what_the_specification_forbids() {
        for (text, fault) in [
            ("", InvalidTraceparent::Shape),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", InvalidTraceparent::Shape),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", InvalidTraceparent::Shape),
            ("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x", InvalidTraceparent::Shape),
            ("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", InvalidTraceparent::Shape),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", InvalidTraceparent::Version),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", InvalidTraceparent::Digit),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", InvalidTraceparent::Zero),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", InvalidTraceparent::Zero),
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_we_know_it() {
        let later = "42-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-more";
        let context: TraceContext = later.parse().unwrap();
        assert_eq!(context.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03");
    }
}
