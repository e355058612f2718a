//! An exporter that keeps what it gets, and can be made to wait or to fail.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use opentelemetry::trace::TraceId;
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};

#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    spans: Vec<SpanData>,
    held: bool,
    failing: bool,
    /// Exports that have begun.
    begun: usize,
}

impl Kept {
    /// Exports wait from now on.
    pub(crate) fn hold(&self) {
        self.0.0.lock().unwrap().held = true;
    }

    pub(crate) fn release(&self) {
        self.0.0.lock().unwrap().held = false;
        self.0.1.notify_all();
    }

    pub(crate) fn fail(&self) {
        self.0.0.lock().unwrap().failing = true;
    }

    /// Returns when an export has begun.
    pub(crate) fn wait_until_begun(&self) {
        let state = self.0.0.lock().unwrap();
        let (_state, waited) =
            self.0.1.wait_timeout_while(state, Duration::from_secs(20), |state| state.begun == 0).unwrap();
        assert!(!waited.timed_out(), "nothing was exported");
    }

    pub(crate) fn count(&self) -> usize {
        self.0.0.lock().unwrap().spans.len()
    }

    pub(crate) fn of(&self, trace: TraceId) -> Vec<SpanData> {
        let state = self.0.0.lock().unwrap();
        state.spans.iter().filter(|span| span.span_context.trace_id() == trace).cloned().collect()
    }
}

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut state = self.0.0.lock().unwrap();
        state.begun += 1;
        self.0.1.notify_all();
        let mut state = self.0.1.wait_while(state, |state| state.held).unwrap();
        if state.failing {
            return Err(OTelSdkError::InternalFailure("made to fail".to_owned()));
        }
        state.spans.extend(batch);
        Ok(())
    }
}
