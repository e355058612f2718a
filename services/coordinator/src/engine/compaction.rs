//! Compaction by itself: history older than some time, or than so many revisions, is given up.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use consensus::api::{
    etcdserverpb::CompactionRequest,
    logpb::{Command, command::Operation},
};

use super::{Engine, ProposeError};

/// What of the history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// What is younger than this.
    Period(Duration),
    /// So many revisions.
    Revisions(i64),
}

/// How often a retention in revisions is enforced, as in etcd.
const REVISION_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// Revisions are noted at least this often per period: so much later than due it may be given up.
const NOTES_A_PERIOD: u32 = 10;
/// A period longer than this is enforced each time it is over since then, as in etcd.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Compacts until the member stops. Only the leader proposes.
pub async fn compact_automatically(engine: Engine, retention: Retention) {
    let interval = match retention {
        Retention::Period(period) => period.min(LONGEST_INTERVAL) / NOTES_A_PERIOD,
        Retention::Revisions(_) => REVISION_INTERVAL,
    };
    let mut schedule = Schedule::new(retention, Instant::now());
    let mut ticks = tokio::time::interval(interval.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = engine.stopping() => return,
        }
        let revision = engine.store().revision();
        let Some(compact) = schedule.due(revision, Instant::now()) else { continue };
        if !engine.status().is_leader {
            continue;
        }
        tracing::info!(revision = compact, "starting auto compaction");
        let request = CompactionRequest { revision: compact, physical: false };
        match engine.propose(Command { operation: Some(Operation::Compact(request)) }).await {
            // Somebody else was further already.
            Ok(_) | Err(ProposeError::Store(_)) => schedule.done(compact),
            Err(error) => tracing::warn!(revision = compact, %error, "failed auto compaction"),
        }
    }
}

/// Which revision is to be given up, and when.
#[derive(Debug)]
struct Schedule {
    retention: Retention,
    /// Revisions with when they were the newest, the oldest first.
    notes: VecDeque<(Instant, i64)>,
    last: Instant,
    compacted: i64,
    /// What was due, and is so until it is done: by a later leader, or when a quorum is back.
    pending: i64,
}

impl Schedule {
    fn new(retention: Retention, now: Instant) -> Self {
        Self { retention, notes: VecDeque::new(), last: now, compacted: 0, pending: 0 }
    }

    fn due(&mut self, revision: i64, now: Instant) -> Option<i64> {
        self.pending = self.pending.max(self.newly_due(revision, now).unwrap_or(0));
        (self.pending > self.compacted).then_some(self.pending)
    }

    /// History up to this revision is given up.
    fn done(&mut self, revision: i64) {
        self.compacted = self.compacted.max(revision);
    }

    fn newly_due(&mut self, revision: i64, now: Instant) -> Option<i64> {
        match self.retention {
            Retention::Revisions(kept) => Some(revision - kept),
            Retention::Period(period) => {
                self.notes.push_back((now, revision));
                let mut old = None;
                while let Some((_, revision)) = self.notes.pop_front_if(|(at, _)| now.duration_since(*at) >= period) {
                    old = Some(revision);
                }
                let old = old?;
                if now.duration_since(self.last) < period.min(LONGEST_INTERVAL) {
                    // Not yet; but it is the one that counts when the time has come.
                    self.notes.push_front((now.checked_sub(period)?, old));
                    return None;
                }
                self.last = now;
                Some(old)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_so_many_revisions() {
        let now = Instant::now();
        let mut schedule = Schedule::new(Retention::Revisions(100), now);
        assert_eq!(schedule.due(100, now), None);
        assert_eq!(schedule.due(150, now), Some(50));
        assert_eq!(schedule.due(150, now), Some(50), "it was not done");
        schedule.done(50);
        assert_eq!(schedule.due(150, now), None, "there is nothing new to give up");
        assert_eq!(schedule.due(151, now), Some(51));
    }

    #[test]
    fn keeps_what_is_younger_than_the_period() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::new(Retention::Period(Duration::from_secs(10)), start);
        for second in 0..10 {
            assert_eq!(schedule.due(second as i64 * 5 + 1, at(second)), None);
        }
        assert_eq!(schedule.due(60, at(10)), Some(1), "of the second 0");
        schedule.done(1);
        for second in 11..20 {
            assert_eq!(schedule.due(60, at(second)), None, "once a period");
        }
        assert_eq!(schedule.due(60, at(20)), Some(60), "of the second 10");
    }
}
