//! Whether a reader takes what is cached.

use std::time::Duration;

use crate::{Acceptable, register::Register};

/// How far the reader's clock may run behind that of whoever wrote the entry.
const AHEAD: u64 = 1_000;

/// What becomes of a register that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is taken.
    Fresh,
    /// It is taken, and this reader should load it anew before it expires.
    Early,
    /// It is taken while somebody loads it anew.
    Stale,
    /// It is not taken.
    Unusable,
}

/// What it is judged by, besides what the reader takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) now: u64,
    pub(crate) epoch: u64,
    /// Nothing that was read at this time or before is believed.
    pub(crate) floor: u64,
    pub(crate) ttl: Duration,
    pub(crate) grace: Duration,
    /// A number drawn from (0, 1].
    pub(crate) draw: f64,
}

pub(crate) fn judge(register: &Register, acceptable: &Acceptable, rules: &Rules) -> Verdict {
    let Some(entry) = &register.entry else { return Verdict::Unusable };
    let (stamp, now) = (&entry.stamp, rules.now);
    let believed = entry.epoch == rules.epoch && stamp.read_at > rules.floor && stamp.read_at <= now + AHEAD;
    if !believed || !acceptable.takes(stamp, rules.ttl, now) {
        return Verdict::Unusable;
    }
    let (age, fresh_for) = (now.saturating_sub(stamp.read_at), u64::from(entry.fresh_for));
    let expired_for = age.saturating_sub(fresh_for);
    let outdated_for = match register.stale_since {
        0 => 0,
        since => now.saturating_sub(since).max(1),
    };
    if expired_for == 0 && outdated_for == 0 {
        return if is_early(age, fresh_for, entry.cost, rules.draw) { Verdict::Early } else { Verdict::Fresh };
    }
    let within = Duration::from_millis(expired_for.max(outdated_for)) <= rules.grace;
    if within && !register.is_absent() { Verdict::Stale } else { Verdict::Unusable }
}

/// Whether this reader should load ahead of the end: XFetch (Vattani, Chierichetti, Lowenstein, *Optimal Probabilistic
/// Cache Stampede Prevention*, VLDB 2015), with their β of 1. The longer a load takes, and the nearer the end, the likelier.
fn is_early(age: u64, fresh_for: u64, cost: u32, draw: f64) -> bool {
    age as f64 - f64::from(cost) * draw.ln() >= fresh_for as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Stamp,
        entry::{Body, Entry},
        register::Fence,
    };

    const NOW: u64 = 1_000_000;

    fn rules() -> Rules {
        let (ttl, grace) = (Duration::from_secs(60), Duration::from_secs(2));
        Rules { now: NOW, epoch: 3, floor: 0, ttl, grace, draw: 1.0 }
    }

    fn aged(age: u64) -> Register {
        let stamp = Stamp { sees: 50, shows: 40, read_at: NOW - age, version: 4 };
        let entry = Entry { stamp, epoch: 3, fresh_for: 50_000, cost: 100, body: Body::Plain(vec![b'1']) };
        Register { lineage: 1, entry: Some(entry), ..Register::default() }
    }

    fn absent(age: u64) -> Register {
        let mut register = aged(age);
        register.entry.as_mut().unwrap().body = Body::Absent;
        register
    }

    fn any(register: &Register) -> Verdict {
        judge(register, &Acceptable::any(), &rules())
    }

    #[test]
    fn by_its_age() {
        assert_eq!(any(&aged(0)), Verdict::Fresh);
        assert_eq!(any(&aged(49_999)), Verdict::Fresh);
        assert_eq!(any(&aged(50_001)), Verdict::Stale);
        assert_eq!(any(&aged(52_001)), Verdict::Unusable);
        assert_eq!(any(&absent(49_999)), Verdict::Fresh);
        assert_eq!(any(&absent(50_001)), Verdict::Unusable, "what was absent may be there now");
        let wary = Acceptable::within(Duration::from_secs(1));
        assert_eq!(judge(&aged(1_000), &wary, &rules()), Verdict::Fresh);
        assert_eq!(judge(&aged(1_001), &wary, &rules()), Verdict::Unusable);
        let shorter = Rules { ttl: Duration::from_secs(10), ..rules() };
        assert_eq!(judge(&aged(10_001), &Acceptable::any(), &shorter), Verdict::Unusable);
    }

    #[test]
    fn by_what_it_includes() {
        for (position, verdict) in [(50, Verdict::Fresh), (51, Verdict::Unusable)] {
            assert_eq!(judge(&aged(0), &Acceptable::any().seeing(position), &rules()), verdict);
        }
    }

    #[test]
    fn by_what_is_known_to_be_newer() {
        let stale = |since| Register { stale_since: since, ..aged(100) };
        assert_eq!(any(&stale(NOW)), Verdict::Stale);
        assert_eq!(any(&stale(NOW - 2_000)), Verdict::Stale);
        assert_eq!(any(&stale(NOW - 2_001)), Verdict::Unusable);
        assert_eq!(any(&aged(100).changed(Fence { position: 51, version: 5 }, NOW)), Verdict::Stale);
        assert_eq!(any(&aged(100).changed(Fence { position: 50, version: 5 }, NOW)), Verdict::Fresh);
    }

    #[test]
    fn what_is_not_believed() {
        let judged = |rules| judge(&aged(100), &Acceptable::any(), &rules);
        assert_eq!(judged(Rules { epoch: 4, ..rules() }), Verdict::Unusable);
        assert_eq!(judged(Rules { floor: NOW - 100, ..rules() }), Verdict::Unusable);
        assert_eq!(judged(Rules { floor: NOW - 101, ..rules() }), Verdict::Fresh);
        assert_eq!(judged(Rules { now: NOW - 1_101, ..rules() }), Verdict::Unusable, "from the future");
        assert_eq!(any(&Register::default()), Verdict::Unusable);
    }

    #[test]
    fn some_load_early_and_the_more_the_nearer_the_end() {
        let share = |age: u64| {
            let early = |draw: &u32| {
                let rules = Rules { draw: f64::from(*draw) / 1_000.0, ..rules() };
                judge(&aged(age), &Acceptable::any(), &rules) == Verdict::Early
            };
            (1..=1_000).filter(early).count()
        };
        assert_eq!(share(10_000), 0, "a load takes 100 ms: nobody begins 40 s before");
        let [far, near, end] = [49_700, 49_900, 49_999].map(share);
        assert!((40..60).contains(&far) && (350..380).contains(&near) && end > 980, "{far}, {near}, {end}");
    }
}
