//! What the driver knows of time.

use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::time::{Interval, MissedTickBehavior, interval_at};

/// The node's ticks, counted by the time that has passed.
#[derive(Debug)]
pub(super) struct Clock {
    start: Instant,
    tick: Duration,
    heartbeat_ticks: usize,
    election_ticks: usize,
    /// Ticks that have passed, and how many had when a heartbeat's time was over last.
    passed: u128,
    beat: u128,
    /// Whether most of an election timeout has been skipped, as this member has just started.
    advanced: bool,
}

impl Clock {
    pub(super) fn new(tick: Duration, heartbeat_ticks: usize, election_ticks: usize) -> Self {
        let start = Instant::now();
        Self { start, tick, heartbeat_ticks, election_ticks, passed: 0, beat: 0, advanced: false }
    }

    /// Comes once a tick; the first time at random, so that members which were started together don't tick together.
    pub(super) fn ticks(&self) -> Interval {
        let first = self.tick.mul_f64(rand::rng().random_range(0.0..1.0));
        let mut ticks = interval_at(tokio::time::Instant::now() + first, self.tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// Nanoseconds since the start.
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// How many ticks the node has to be told of: one heartbeat's at most. A busy machine makes up for what it is late,
    /// but a process that stood still longer must hear first what came meanwhile, before it misses its leader.
    pub(super) fn due(&mut self) -> usize {
        let passed = self.start.elapsed().as_nanos() / self.tick.as_nanos().max(1);
        let due = passed - std::mem::replace(&mut self.passed, passed);
        usize::try_from(due).unwrap_or(usize::MAX).min(self.heartbeat_ticks)
    }

    /// Whether another heartbeat's time is over: often enough for what takes its time to look for.
    pub(super) fn beats(&mut self) -> bool {
        let is_over = self.passed - self.beat >= self.heartbeat_ticks as u128;
        if is_over {
            self.beat = self.passed;
        }
        is_over
    }

    /// Two election timeouts: a leader that was lost is replaced by then.
    pub(super) fn two_elections(&self) -> Duration {
        self.tick * u32::try_from(2 * self.election_ticks).unwrap_or(u32::MAX)
    }

    /// Ticks to tell a member that needs nobody's vote.
    pub(super) fn whole_election(&self) -> usize {
        2 * self.election_ticks
    }

    /// Ticks that are skipped, once, when a peer can be reached: all of an election timeout but two heartbeats.
    pub(super) fn advance(&mut self) -> usize {
        let rest = 2 * self.heartbeat_ticks;
        if std::mem::replace(&mut self.advanced, true) { 0 } else { self.election_ticks.saturating_sub(rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_counts_as_one_heartbeat_at_most() {
        let mut clock = Clock::new(Duration::from_millis(10), 10, 100);
        clock.start -= Duration::from_millis(35);
        assert_eq!(clock.due(), 3);
        assert!(!clock.beats());
        clock.start -= Duration::from_secs(60);
        assert_eq!(clock.due(), 10);
        assert!(clock.beats() && !clock.beats());
        assert_eq!(clock.due(), 0);
        assert_eq!((clock.advance(), clock.advance()), (80, 0));
    }
}
