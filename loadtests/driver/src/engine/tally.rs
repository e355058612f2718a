//! What a run has counted and measured so far.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use contracts::{OrderId, Timestamp, order::OrderStatus};

use super::{Drive, Plan, clock::Clock};
use crate::{
    http::{Answer, Call, Failure, Outcome},
    latency::{Latencies, Quantiles},
    ledger::{Entry, Ledger, LedgerError},
    summary::{Adjustments, Mode, Phase, Progress, Second, Settled, Summary},
};

/// The longest timeline kept, in seconds.
const DAY: usize = 86_400;

/// The summary as it grows, and what it is made from.
pub(super) struct Tally {
    summary: Summary,
    phase: Phase,
    orders: Option<u64>,
    in_flight: u64,
    clock: Clock,
    ledger: Option<Ledger>,
    ledger_fault: Option<LedgerError>,
    acknowledgement: Latencies,
    send_lag: Latencies,
    end_to_end: Latencies,
    /// Acknowledged orders with their planned times, until they are read back.
    awaited: HashMap<OrderId, Duration>,
    last_acknowledgement: Duration,
    last_answer: Duration,
    last_decision: Duration,
}

impl Tally {
    pub(super) fn new(drive: &Drive, plan: &Plan, clock: Clock, ledger: Option<Ledger>) -> Self {
        let (mode, orders) = match plan {
            Plan::Open { orders, .. } => (Mode::OpenLoop, Some((*orders).min(drive.limit.orders))),
            Plan::Saturated { .. } => (Mode::Saturation, None),
        };
        Self {
            summary: empty(&drive.run, mode, clock.started_at()),
            phase: Phase::Sending,
            orders,
            in_flight: 0,
            clock,
            ledger,
            ledger_fault: None,
            acknowledgement: Latencies::new(),
            send_lag: Latencies::new(),
            end_to_end: Latencies::new(),
            awaited: HashMap::new(),
            last_acknowledgement: Duration::ZERO,
            last_answer: Duration::ZERO,
            last_decision: Duration::ZERO,
        }
    }

    pub(super) fn planned(&self) -> u64 {
        self.summary.planned
    }

    /// An order is due: whether it may go on its way under the in-flight cap.
    pub(super) fn plan_order(&mut self, cap: usize) -> bool {
        self.summary.planned += 1;
        let admitted = self.in_flight < cap as u64;
        if admitted {
            self.in_flight += 1;
        } else {
            self.summary.dropped += 1;
        }
        admitted
    }

    pub(super) fn plan_adjustment(&mut self) {
        self.summary.adjustments.planned += 1;
    }

    /// An order waited for a connection until it was to be given up.
    pub(super) fn too_late(&mut self) {
        self.in_flight -= 1;
        self.summary.dropped += 1;
    }

    pub(super) fn sent(&mut self, lag: Duration) {
        if self.summary.mode == Mode::Saturation {
            self.summary.planned += 1;
            self.in_flight += 1;
        }
        self.summary.sent += 1;
        self.send_lag.record(lag);
    }

    pub(super) fn retried(&mut self, why: Failure) {
        *self.summary.retries.entry(why).or_default() += 1;
    }

    pub(super) fn adjusted(&mut self, outcome: &Outcome) {
        self.last_answer = self.clock.elapsed();
        let Adjustments { made, refused, unanswered, .. } = &mut self.summary.adjustments;
        *match outcome {
            Outcome::Answered(answer) if answer.status.is_success() => made,
            Outcome::Answered(_) => refused,
            Outcome::GaveUp { .. } => unanswered,
        } += 1;
    }

    /// An order was answered or given up.
    pub(super) fn placed(&mut self, planned: Duration, call: &Call, outcome: &Outcome) {
        self.in_flight -= 1;
        self.last_answer = self.clock.elapsed();
        match outcome {
            Outcome::Answered(answer) => match answer.order_id().filter(|_| answer.status.is_success()) {
                Some(id) => self.acknowledged(id, planned, call, answer),
                None => {
                    let refusals = self.summary.refused.entry(answer.status.to_string()).or_default();
                    refusals.count += 1;
                    if refusals.count == 1 {
                        refusals.example = answer.complaint();
                    }
                }
            },
            Outcome::GaveUp { last, possibly_applied: true } => {
                *self.summary.unknown.entry(*last).or_default() += 1;
                self.note(None, call, planned, None);
            }
            Outcome::GaveUp { last, possibly_applied: false } => {
                *self.summary.undelivered.entry(*last).or_default() += 1;
            }
        }
    }

    fn acknowledged(&mut self, id: OrderId, planned: Duration, call: &Call, answer: &Answer) {
        self.summary.acknowledged += 1;
        self.last_acknowledgement = self.last_answer;
        self.acknowledgement.record(self.last_answer.saturating_sub(planned));
        self.second(self.last_answer).acknowledged += 1;
        self.awaited.insert(id, planned);
        self.note(Some(id), call, planned, Some(answer.status.as_u16()));
    }

    fn note(&mut self, id: Option<OrderId>, call: &Call, planned: Duration, status: Option<u16>) {
        if let Some(ledger) = &mut self.ledger {
            let entry = Entry { id, key: call.key().to_owned(), planned_at: self.clock.timestamp(planned), status };
            if let Err(fault) = ledger.write(&entry) {
                self.ledger_fault.get_or_insert(fault);
            }
        }
    }

    fn second(&mut self, at: Duration) -> &mut Second {
        let second = (at.as_secs() as usize).min(DAY - 1);
        if self.summary.by_second.len() <= second {
            self.summary.by_second.resize(second + 1, Second::default());
        }
        &mut self.summary.by_second[second]
    }

    pub(super) fn flush(&mut self) -> Result<(), LedgerError> {
        match self.ledger_fault.take() {
            Some(fault) => Err(fault),
            None => self.ledger.as_mut().map_or(Ok(()), Ledger::flush),
        }
    }

    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Whether an order was acknowledged and has not been read back.
    pub(super) fn awaits(&self, id: &OrderId) -> bool {
        self.awaited.contains_key(id)
    }

    /// A moment just before the run's first order.
    pub(super) fn started_before(&self) -> Timestamp {
        let started = self.clock.started_at();
        Timestamp::from_unix_micros(started.unix_micros() - 1_000).unwrap_or(started)
    }

    pub(super) fn awaits_any(&self) -> bool {
        !self.awaited.is_empty()
    }

    /// An order as the order service lists it; one that this run didn't place changes nothing.
    pub(super) fn read_back(&mut self, id: OrderId, status: OrderStatus, decided_at: Option<Timestamp>) {
        let Some(planned) = self.awaited.remove(&id) else { return };
        let settled = &mut self.summary.settled;
        *match status {
            OrderStatus::Pending => &mut settled.undecided,
            OrderStatus::Confirmed => &mut settled.confirmed,
            OrderStatus::Rejected => &mut settled.rejected,
            OrderStatus::Cancelled => &mut settled.cancelled,
        } += 1;
        if let Some(decided_at) = decided_at {
            let end_to_end = decided_at.unix_micros() - self.clock.unix_micros(planned);
            self.end_to_end.record_micros(u64::try_from(end_to_end).unwrap_or(0));
            let decision = u64::try_from(decided_at.micros_since(self.clock.started_at())).unwrap_or(0);
            let decision = Duration::from_micros(decision);
            self.last_decision = self.last_decision.max(decision);
            self.second(decision).decided += 1;
        }
    }

    /// Nothing is pending any longer, or the time to settle is over.
    pub(super) fn settled_after(&mut self, settling: Duration) {
        self.summary.settled.settling_ms = settling.as_millis() as u64;
    }

    /// The orders could not all be read back.
    pub(super) fn unread(&mut self, fault: String) {
        self.summary.settled.fault = Some(fault);
    }

    fn decided(&self) -> u64 {
        let Settled { confirmed, rejected, cancelled, .. } = self.summary.settled;
        confirmed + rejected + cancelled
    }

    pub(super) fn progress(&self) -> Progress {
        let Summary { planned, sent, dropped, acknowledged, .. } = self.summary;
        Progress {
            phase: self.phase,
            elapsed_ms: self.clock.elapsed().as_millis() as u64,
            orders: self.orders,
            planned,
            sent,
            dropped,
            acknowledged,
            failed: planned - dropped - acknowledged - self.in_flight,
            retries: self.summary.retries.values().sum(),
            in_flight: self.in_flight,
            decided: self.decided(),
        }
    }

    pub(super) fn summary(&self) -> Summary {
        let per_second = |count: u64, time: Duration| {
            if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
        };
        let mut summary = self.summary.clone();
        summary.seconds = self.last_answer.as_secs_f64();
        summary.acknowledged_per_second = per_second(summary.acknowledged, self.last_acknowledgement);
        summary.acknowledgement_ms = self.acknowledgement.quantiles();
        summary.send_lag_ms = self.send_lag.quantiles();
        summary.settled.missing = self.awaited.len() as u64;
        summary.settled.end_to_end_ms = self.end_to_end.quantiles();
        summary.settled.decided_per_second = per_second(self.decided(), self.last_decision);
        summary
    }
}

fn empty(run: &str, mode: Mode, started_at: Timestamp) -> Summary {
    Summary {
        run: run.to_owned(),
        mode,
        started_at,
        seconds: 0.0,
        planned: 0,
        sent: 0,
        dropped: 0,
        acknowledged: 0,
        refused: BTreeMap::new(),
        unknown: BTreeMap::new(),
        undelivered: BTreeMap::new(),
        retries: BTreeMap::new(),
        acknowledged_per_second: 0.0,
        acknowledgement_ms: Quantiles::default(),
        send_lag_ms: Quantiles::default(),
        settled: Settled::default(),
        adjustments: Adjustments::default(),
        by_second: Vec::new(),
    }
}
