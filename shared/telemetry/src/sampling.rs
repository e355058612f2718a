//! What share of traces is recorded: as the environment says at first, and live from then on.

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceId},
};
use opentelemetry_sdk::trace::{Sampler, SamplingResult, ShouldSample};

/// The bits of the ratio.
static RATIO: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(configured().to_bits()));

/// The share of the traces begun in this process that is recorded, from 0 to 1. At first what `OTEL_TRACES_SAMPLER` and
/// `OTEL_TRACES_SAMPLER_ARG` say; all, where they say nothing.
pub fn ratio() -> f64 {
    f64::from_bits(RATIO.load(Ordering::Relaxed))
}

/// Records this share from now on; beyond 0 and 1 nothing or all. A trace that another process has begun keeps its own
/// decision where the sampler follows parents.
pub fn set_ratio(ratio: f64) {
    RATIO.store(ratio.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
}

fn configured() -> f64 {
    of_sampler(env::var("OTEL_TRACES_SAMPLER").ok().as_deref(), env::var("OTEL_TRACES_SAMPLER_ARG").ok().as_deref())
}

fn of_sampler(name: Option<&str>, argument: Option<&str>) -> f64 {
    match name {
        Some("always_off" | "parentbased_always_off") => 0.0,
        Some("traceidratio" | "parentbased_traceidratio") => {
            argument.and_then(|text| text.parse().ok()).filter(|ratio| (0.0..=1.0).contains(ratio)).unwrap_or(1.0)
        }
        _ => 1.0,
    }
}

/// Decides by the trace's id and the ratio of the moment, as OpenTelemetry's own ratio sampler does: processes with the same
/// ratio record the same traces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live;

impl ShouldSample for Live {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        Sampler::TraceIdRatioBased(ratio()).should_sample(parent, trace, name, kind, attributes, links)
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::SamplingDecision;

    use super::*;

    #[test]
    fn the_environment_says_what_it_is_at_first() {
        let cases = [
            (None, None, 1.0),
            (Some("always_off"), None, 0.0),
            (Some("parentbased_traceidratio"), Some("0.25"), 0.25),
            (Some("traceidratio"), Some("many"), 1.0),
            (Some("traceidratio"), Some("2"), 1.0),
            (Some("parentbased_always_on"), Some("0.25"), 1.0),
        ];
        for (name, argument, ratio) in cases {
            assert_eq!(of_sampler(name, argument), ratio, "{name:?} {argument:?}");
        }
    }

    #[test]
    fn a_ratio_holds_from_the_moment_it_is_set() {
        let decide = |trace: u128| {
            let trace = TraceId::from(trace);
            Live.should_sample(None, trace, "", &SpanKind::Internal, &[], &[]).decision
        };
        for (ratio, decision) in [(0.0, SamplingDecision::Drop), (1.5, SamplingDecision::RecordAndSample)] {
            set_ratio(ratio);
            assert!((0..100).all(|trace| decide(trace << 64 | trace) == decision), "{ratio}");
        }
        assert_eq!(ratio(), 1.0);
    }
}
