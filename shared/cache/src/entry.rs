//! A value as it is cached.

use std::io::{Read as _, Write as _};

use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use serde::{Serialize, de::DeserializeOwned};

use crate::Stamp;

/// What a compressed value may come to, so that one that is damaged can't fill the memory.
const MOST: u64 = 64 << 20;

/// A value, or that there is none, with what must be known to believe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) stamp: Stamp,
    /// The policy under which it was written, see [`crate::Policy`].
    pub(crate) epoch: u64,
    /// For how many milliseconds from its reading on it is fresh.
    pub(crate) fresh_for: u32,
    /// How many milliseconds its load took.
    pub(crate) cost: u32,
    pub(crate) body: Body,
}

/// The value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// There is none, and that is known.
    Absent,
    /// As JSON.
    Plain(Vec<u8>),
    /// As JSON, compressed (RFC 1951).
    Deflated(Vec<u8>),
}

/// A value that is not cached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    #[error("it takes {0} bytes")]
    TooLarge(usize),
    #[error("it is no JSON: {0}")]
    NoJson(#[from] serde_json::Error),
}

impl Unfit {
    /// Its class, for metrics.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "too_large",
            Self::NoJson(_) => "no_json",
        }
    }
}

/// How values are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writing {
    pub(crate) largest: usize,
    pub(crate) compress_from: usize,
}

impl Body {
    pub(crate) fn of<V: Serialize>(value: Option<&V>, writing: Writing) -> Result<Self, Unfit> {
        let Some(value) = value else { return Ok(Self::Absent) };
        let plain = serde_json::to_vec(value)?;
        let body = match plain.len() {
            length if length >= writing.compress_from => deflated(&plain),
            _ => Self::Plain(plain),
        };
        if body.len() > writing.largest { Err(Unfit::TooLarge(body.len())) } else { Ok(body) }
    }

    /// The value, or that there is none; an error where it is damaged, or none of `V`.
    pub(crate) fn value<V: DeserializeOwned>(&self) -> Result<Option<V>, serde_json::Error> {
        match self {
            Self::Absent => Ok(None),
            Self::Plain(json) => serde_json::from_slice(json).map(Some),
            Self::Deflated(bytes) => {
                let mut json = Vec::new();
                let decoder = DeflateDecoder::new(bytes.as_slice()).take(MOST);
                { decoder }.read_to_end(&mut json).map_err(serde_json::Error::io)?;
                serde_json::from_slice(&json).map(Some)
            }
        }
    }

    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Plain(bytes) | Self::Deflated(bytes) => bytes.len(),
        }
    }
}

fn deflated(plain: &[u8]) -> Body {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(plain).and_then(|()| encoder.finish());
    Body::Deflated(written.expect("memory takes all that is written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITING: Writing = Writing { largest: 4_096, compress_from: 1_024 };

    #[test]
    fn what_is_large_is_compressed_and_what_is_too_large_refused() {
        let (small, large) = ("x".repeat(100), "abcdefgh".repeat(1_000));
        let bodies = [&small, &large].map(|text| Body::of(Some(text), WRITING).unwrap());
        assert!(matches!(bodies[0], Body::Plain(_)));
        assert!(matches!(bodies[1], Body::Deflated(_)) && bodies[1].len() < 200);
        assert_eq!(bodies.map(|body| body.value::<String>().unwrap()), [Some(small), Some(large)]);
        let random: Vec<u64> = (1..2_000_u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        assert!(matches!(Body::of(Some(&random), WRITING), Err(Unfit::TooLarge(size)) if size > 4_096));
        let absent = Body::of::<String>(None, WRITING).unwrap();
        assert_eq!((&absent, absent.value::<String>().unwrap()), (&Body::Absent, None));
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        assert!(Body::Deflated(vec![1, 2, 3]).value::<String>().is_err());
        assert!(Body::Plain(b"{".to_vec()).value::<String>().is_err());
        assert!(Body::Plain(b"7".to_vec()).value::<String>().is_err());
    }
}
