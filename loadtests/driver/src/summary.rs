//! What a run tells while it goes, and when it is done.

use std::collections::BTreeMap;

use contracts::Timestamp;
use serde::Serialize;

use crate::{http::Failure, latency::Quantiles};

/// How requests are paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// At planned times, whatever the services do; latency counts from the planned time.
    OpenLoop,
    /// Every connection sends its next order when its last one is answered; latency counts from sending, so a stall of
    /// the service hides the waits it would have caused.
    Saturation,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Sending, and waiting for acknowledgements.
    Sending,
    /// Waiting until every acknowledged order is final.
    Settling,
    /// Reading the orders back.
    Reading,
}

/// How far a run is; told every 100 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Since its start, in milliseconds.
    pub elapsed_ms: u64,
    /// How many orders it will plan; null where only its limit ends it.
    pub orders: Option<u64>,
    /// Orders planned so far.
    pub planned: u64,
    /// Orders sent so far.
    pub sent: u64,
    /// Orders dropped so far.
    pub dropped: u64,
    /// Orders acknowledged so far.
    pub acknowledged: u64,
    /// Orders refused, unknown or never delivered so far.
    pub failed: u64,
    /// Attempts that were made again so far.
    pub retries: u64,
    /// Orders planned and neither answered nor given up.
    pub in_flight: u64,
    /// While reading: orders found final so far.
    pub decided: u64,
}

/// Answers of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Refusals {
    /// How many.
    pub count: u64,
    /// What the first of them said.
    pub example: String,
}

/// Stock adjustments of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Adjustments {
    /// How many were planned.
    pub planned: u64,
    /// How many the inventory service made.
    pub made: u64,
    /// How many it refused.
    pub refused: u64,
    /// How many got no lasting answer.
    pub unanswered: u64,
}

/// What became of the acknowledged orders, read back from the order service after the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Settled {
    /// Stock is reserved.
    pub confirmed: u64,
    /// Stock lacked.
    pub rejected: u64,
    /// Cancelled.
    pub cancelled: u64,
    /// Still pending when the time to settle was over.
    pub undecided: u64,
    /// Acknowledged, and not among the orders read back.
    pub missing: u64,
    /// From the planned send time to the decision, by one machine's clock, in milliseconds.
    pub end_to_end_ms: Quantiles,
    /// Final orders per second, from the first planned send to the last decision.
    pub decided_per_second: f64,
    /// How long it took after the last answer until no order was pending, in milliseconds.
    pub settling_ms: u64,
    /// Why the orders could not all be read back; null where they were.
    pub fault: Option<String>,
}

/// One second of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Orders acknowledged in it.
    pub acknowledged: u32,
    /// Orders decided in it.
    pub decided: u32,
}

/// What a run did and measured.
///
/// `planned = sent + dropped` and `sent = acknowledged + refused + unknown + undelivered`, always.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Its name.
    pub run: String,
    /// How it was paced.
    pub mode: Mode,
    /// When it started.
    pub started_at: Timestamp,
    /// From the start to the last answer, in seconds.
    pub seconds: f64,
    /// Orders that were to be sent.
    pub planned: u64,
    /// Orders of which at least one attempt was made.
    pub sent: u64,
    /// Orders never sent: over the in-flight cap, or no connection came free before they were to be given up.
    pub dropped: u64,
    /// Orders the service took.
    pub acknowledged: u64,
    /// Orders the service refused, by status: they do not exist.
    pub refused: BTreeMap<String, Refusals>,
    /// Orders without a lasting answer of which an attempt may have been applied, by the last failure.
    pub unknown: BTreeMap<Failure, u64>,
    /// Orders of which no attempt reached the service, by the last failure: they do not exist.
    pub undelivered: BTreeMap<Failure, u64>,
    /// Attempts that were made again, by why.
    pub retries: BTreeMap<Failure, u64>,
    /// Acknowledged orders per second, from the start to the last acknowledgement.
    pub acknowledged_per_second: f64,
    /// From the planned send time to the acknowledgement, in milliseconds.
    pub acknowledgement_ms: Quantiles,
    /// From the planned to the actual send time of the first attempt, in milliseconds: what the driver itself was late.
    pub send_lag_ms: Quantiles,
    /// What became of the acknowledged orders.
    pub settled: Settled,
    /// Stock adjustments; all zero for a run without.
    pub adjustments: Adjustments,
    /// Each second from the start, to the last acknowledgement or decision, at most a day of them.
    pub by_second: Vec<Second>,
}

impl Summary {
    /// Whether every planned order was taken and is final.
    pub fn is_complete(&self) -> bool {
        self.acknowledged == self.planned
            && self.settled.fault.is_none()
            && self.settled.undecided + self.settled.missing == 0
            && self.adjustments.made == self.adjustments.planned
    }
}
