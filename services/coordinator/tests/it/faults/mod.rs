//! Three processes that are killed, stopped and cut off from each other while clients use them.
//!
//! `PLUMBLINE_SEED` repeats a run's choices, though not its timing. `PLUMBLINE_FAULTS_SECONDS` says for how long faults go
//! on, and `PLUMBLINE_FAULTS_KILLS` how often the leader is killed to see how long that is felt.

mod cluster;
mod failover;
mod history;
mod kills;
mod links;
mod nemesis;
mod requests;
mod survival;
mod workload;

use std::{env, fmt::Debug, str::FromStr};

use rand::{SeedableRng as _, rngs::StdRng};

/// What the environment asks for.
fn asked<T: FromStr<Err: Debug>>(variable: &str, default: T) -> T {
    env::var(variable).map_or(default, |value| value.parse().unwrap())
}

/// The seed of a test, which is shown where the test fails.
fn seed(test: &str) -> u64 {
    let seed = asked("PLUMBLINE_SEED", rand::random());
    println!("{test}: PLUMBLINE_SEED={seed}");
    seed
}

fn random(seed: u64, stream: u64) -> StdRng {
    StdRng::seed_from_u64(seed.wrapping_add(stream.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}
