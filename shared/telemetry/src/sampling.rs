//! What share of traces is recorded: as the environment says at first, and live from then on.

use std::{
    env,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::trace::TraceId;

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

/// Whether a trace that begins here is recorded.
pub(crate) fn takes(trace: TraceId) -> bool {
    is_within(trace, ratio())
}

/// By the right half of the trace's id, as OpenTelemetry's own ratio sampler decides: processes with the same ratio record
/// the same traces.
fn is_within(trace: TraceId, ratio: f64) -> bool {
    let half = u64::from_be_bytes(*trace.to_bytes().last_chunk().expect("an id has 16 bytes"));
    half >> 1 < (ratio * (1u64 << 63) as f64) as u64
}

/// Nanoseconds.
static SLOW: AtomicU64 = AtomicU64::new(1_000_000_000);

/// A request that takes this long is recorded though its trace is not sampled, as is one that fails. That span alone: what it
/// called had been told not to record.
pub fn slow() -> Duration {
    Duration::from_nanos(SLOW.load(Ordering::Relaxed))
}

/// What counts as slow from now on; 1 s at first.
pub fn set_slow(least: Duration) {
    SLOW.store(u64::try_from(least.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
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
    fn a_ratio_takes_that_share_of_the_traces() {
        let spread = |n: u64| TraceId::from(u128::from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        for (ratio, least, most) in [(0.0, 0, 0), (0.25, 2_400, 2_600), (1.0, 10_000, 10_000)] {
            let taken = (0..10_000).filter(|n| is_within(spread(*n), ratio)).count();
            assert!((least..=most).contains(&taken), "{ratio}: {taken}");
        }
    }
}
