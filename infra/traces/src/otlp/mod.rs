//! The receiver: requests of the OpenTelemetry protocol 1.x, by gRPC and by HTTP.
//!
//! See <https://opentelemetry.io/docs/specs/otlp/>.

mod body;
mod budget;
mod grpc;
mod http;
mod json;
mod refusal;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use self::{budget::Budget, refusal::Refusal};
pub(crate) use self::{grpc::Grpc, http::Http};
use crate::{
    config::Bounds,
    journal::Journal,
    store::Store,
    wire::{Batch, Writer},
};

/// Takes requests.
#[derive(Debug)]
pub(crate) struct Receiver {
    store: Arc<Store>,
    journal: Option<Journal>,
    bounds: Bounds,
    budget: Budget,
    counts: Counts,
}

/// What has come in.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    requests: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    malformed: AtomicU64,
    too_large: AtomicU64,
    busy: AtomicU64,
    unsupported: AtomicU64,
}

/// [`Counts`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Received {
    /// Requests whose spans were taken.
    pub(crate) requests: u64,
    pub(crate) accepted_spans: u64,
    pub(crate) rejected_spans: u64,
    pub(crate) malformed_requests: u64,
    pub(crate) too_large_requests: u64,
    pub(crate) busy_requests: u64,
    pub(crate) unsupported_requests: u64,
}

/// Spans of a request that were left out while others were taken.
#[derive(Debug, Default)]
struct Partial {
    rejected: usize,
    message: Option<String>,
}

impl Receiver {
    /// Puts spans into the store, and requests into the journal before.
    #[must_use]
    pub(crate) fn new(store: Arc<Store>, journal: Option<Journal>, bounds: Bounds, backlog: usize) -> Self {
        Self { store, journal, bounds, budget: Budget::new(backlog), counts: Counts::default() }
    }

    /// What has come in so far.
    #[must_use]
    pub(crate) fn received(&self) -> Received {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Received {
            requests: count(&self.counts.requests),
            accepted_spans: count(&self.counts.accepted),
            rejected_spans: count(&self.counts.rejected),
            malformed_requests: count(&self.counts.malformed),
            too_large_requests: count(&self.counts.too_large),
            busy_requests: count(&self.counts.busy),
            unsupported_requests: count(&self.counts.unsupported),
        }
    }

    /// Bytes of requests that are being taken.
    #[must_use]
    pub(crate) fn backlog(&self) -> usize {
        self.budget.used()
    }

    /// The journal, where there is one.
    #[must_use]
    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.as_ref()
    }

    /// Takes the spans of an `ExportTraceServiceRequest`.
    fn take(&self, request: &[u8]) -> Result<Partial, Refusal> {
        let batch = Batch::read(request, &self.bounds.limits)?;
        if batch.accepted > 0 {
            if let Some(journal) = &self.journal {
                journal.append(request);
            }
            self.store.add(&batch);
        }
        let add = |count: &AtomicU64, number: usize| count.fetch_add(number as u64, Ordering::Relaxed);
        add(&self.counts.requests, 1);
        add(&self.counts.accepted, batch.accepted);
        add(&self.counts.rejected, batch.rejected);
        Ok(Partial { rejected: batch.rejected, message: batch.message() })
    }

    /// Counts what was refused.
    fn count(&self, refusal: &Refusal) {
        let count = match refusal {
            Refusal::Malformed(_) | Refusal::Broken | Refusal::Late => &self.counts.malformed,
            Refusal::TooLarge { .. } => &self.counts.too_large,
            Refusal::Busy => &self.counts.busy,
            Refusal::MediaType(_) | Refusal::Encoding(_) => &self.counts.unsupported,
        };
        count.fetch_add(1, Ordering::Relaxed);
        tracing::debug!(%refusal, "refused a request");
    }
}

impl Partial {
    /// An `ExportTraceServiceResponse`; empty where nothing was left out.
    fn message(&self) -> Vec<u8> {
        let mut response = Writer::default();
        if let Some(message) = &self.message {
            response.message(1, |partial| {
                partial.varint(1, self.rejected as u64);
                partial.bytes(2, message.as_bytes());
            });
        }
        response.finish()
    }
}
