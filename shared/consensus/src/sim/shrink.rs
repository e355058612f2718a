//! Makes a plan smaller while it still breaks the same rule.

use super::{Plan, Violation, clock::SECOND, run};

/// Looks for the smallest part of a plan that breaks the same rule, in at most `budget` runs: leaves out disturbances,
/// half of them at a time and then one by one (Zeller's delta debugging, 2002), then clients, then time.
///
/// What is left out changes what the rest meets, as everything random comes from one seed: the result is small, not
/// minimal.
#[must_use]
pub fn shrink(violation: &Violation, budget: usize) -> Violation {
    let mut shrinker = Shrinker { smallest: violation.clone(), budget };
    loop {
        let before = shrinker.smallest.plan.clone();
        shrinker.drop_disturbances();
        shrinker.drop_clients();
        shrinker.drop_time();
        if shrinker.smallest.plan == before || shrinker.budget == 0 {
            return shrinker.smallest;
        }
    }
}

struct Shrinker {
    smallest: Violation,
    budget: usize,
}

impl Shrinker {
    /// Keeps the change if the rule is still broken.
    fn attempt(&mut self, change: impl FnOnce(&mut Plan)) -> bool {
        let mut plan = self.smallest.plan.clone();
        change(&mut plan);
        if self.budget == 0 || plan == self.smallest.plan {
            return false;
        }
        self.budget -= 1;
        match run(&plan) {
            Err(violation) if violation.rule == self.smallest.rule => {
                self.smallest = *violation;
                true
            }
            _ => false,
        }
    }

    fn drop_disturbances(&mut self) {
        let mut size = self.smallest.plan.disturbances.len();
        while size > 0 {
            let mut from = 0;
            while from < self.smallest.plan.disturbances.len() {
                let upto = (from + size).min(self.smallest.plan.disturbances.len());
                if !self.attempt(|plan| drop(plan.disturbances.drain(from..upto))) {
                    from += size;
                }
            }
            size /= 2;
        }
    }

    fn drop_clients(&mut self) {
        let fewer: [fn(&mut Plan) -> &mut usize; 3] =
            [|plan| &mut plan.watchers, |plan| &mut plan.lockers, |plan| &mut plan.registers];
        for count in fewer {
            while self.attempt(|plan| *count(plan) = count(plan).saturating_sub(1)) {}
        }
    }

    fn drop_time(&mut self) {
        // Nothing after the moment it broke can matter, but where it is the end that shows it.
        let at = self.smallest.at;
        self.attempt(|plan| plan.lasts = plan.lasts.min(at));
        while self.smallest.plan.lasts > SECOND && self.attempt(|plan| plan.lasts -= plan.lasts / 4) {}
        let lasts = self.smallest.plan.lasts;
        self.attempt(|plan| plan.disturbances.retain(|planned| planned.at < lasts));
    }
}
