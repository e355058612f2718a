//! A deterministic simulation of the whole cluster, in the tradition of FoundationDB's: real nodes, logs and stores, on
//! simulated disks, clocks and a simulated network, in one thread and by one seed.
//!
//! A [`Plan`] says what happens to the cluster while clients use it; [`run`] runs it, much faster than time, and checks
//! after each step what has to hold (see [`Rule`]). The same plan runs the same way every time, down to the last random
//! number. [`shrink`] makes a plan that breaks a rule smaller, and [`campaign`] runs many seeds on all processors.

mod campaign;
mod checks;
mod clients;
mod clock;
pub mod linearizable;
mod plan;
mod queue;
mod report;
mod shrink;
mod trace;
mod violation;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::{
    campaign::{Campaign, Summary, campaign},
    plan::{Consequence, Disturbance, Moment, Plan, Planned, Profile, Setup, UnknownProfile, Weather, Whom},
    report::Report,
    shrink::shrink,
    violation::{Rule, Violation},
};
use self::{violation::Broken, world::World};

/// Runs a plan.
///
/// # Errors
/// The first rule that was found broken.
pub fn run(plan: &Plan) -> Result<Report, Box<Violation>> {
    let mut world = World::new(plan.clone());
    let outcome = quietly(|| catch_unwind(AssertUnwindSafe(|| world.run())));
    let broken = match outcome {
        Ok(Ok(())) => return Ok(world.report()),
        Ok(Err(broken)) => broken,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text");
            Broken::new(Rule::NoPanic, text)
        }
    };
    let Report { simulated: at, trace, .. } = world.report();
    let Broken { rule, detail } = broken;
    Err(Box::new(Violation { plan: plan.clone(), rule, detail, at, trace }))
}

thread_local! {
    static QUIET: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Keeps a panic from being printed: it becomes a violation.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                usual(panic);
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = work();
    QUIET.set(before);
    result
}
