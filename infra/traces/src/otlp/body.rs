//! A request's bytes: read within bounds, unpacked within bounds.

use std::io::Read as _;

use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use super::{Receiver, budget::Charge, refusal::Refusal};

/// Bytes that are unpacked before the bounds are looked at again.
const STEP: usize = 64 << 10;

/// Bytes, and their part of the budget.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    charge: Charge,
}

impl Receiver {
    /// Reads a body of at most the request's bound, and `more` bytes around it.
    pub(super) async fn read(&self, body: &mut Incoming, more: usize) -> Result<Held, Refusal> {
        match tokio::time::timeout(self.bounds.patience, self.collect(body, more)).await {
            Ok(read) => read,
            Err(_) => Err(Refusal::Late),
        }
    }

    async fn collect(&self, body: &mut Incoming, more: usize) -> Result<Held, Refusal> {
        let limit = self.bounds.request + more;
        let too_large = || Refusal::TooLarge { limit: self.bounds.request, what: "as it arrives" };
        if body.size_hint().lower() > limit as u64 {
            return Err(too_large());
        }
        let mut charge = self.budget.charge();
        let mut first = Bytes::new();
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            // Trailers have nothing to say here.
            let Ok(data) = frame.map_err(|_| Refusal::Broken)?.into_data() else { continue };
            charge.add(data.len())?;
            if first.len() + all.len() + data.len() > limit {
                return Err(too_large());
            }
            if first.is_empty() && all.is_empty() {
                first = data;
                continue;
            }
            if all.is_empty() {
                all.reserve((body.size_hint().lower() as usize).min(limit) + first.len() + data.len());
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
        let bytes = if all.is_empty() { first } else { all.freeze() };
        Ok(Held { bytes, charge })
    }

    /// Unpacks gzip.
    pub(super) fn unpack(&self, packed: Held) -> Result<Held, Refusal> {
        let Held { bytes, mut charge } = packed;
        let mut reader = MultiGzDecoder::new(&bytes[..]);
        let mut unpacked = Vec::new();
        let mut limited = |unpacked: &mut Vec<u8>| reader.by_ref().take(STEP as u64).read_to_end(unpacked);
        loop {
            let read = limited(&mut unpacked).map_err(|error| Refusal::Malformed(format!("no gzip: {error}")))?;
            charge.add(read)?;
            if unpacked.len() > self.bounds.unpacked {
                return Err(Refusal::TooLarge { limit: self.bounds.unpacked, what: "once it is unpacked" });
            }
            if read == 0 {
                return Ok(Held { bytes: unpacked.into(), charge });
            }
        }
    }
}
