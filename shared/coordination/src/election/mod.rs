//! One of many: leaders, each with a term greater than the one before.
//!
//! Candidates stand under `<prefix>/elections/<election>/<lease>`, each on a lease of its own; the oldest key leads. A
//! candidate waits for the one before it alone, so that candidates lead in the order in which they came, and one that goes
//! wakes one other.

mod campaign;
mod candidate;
mod duty;
mod leadership;
mod observer;
mod run;
mod shares;
mod standing;

pub use self::{
    campaign::{MOST_AT_ONCE, campaign, campaign_in_all},
    candidate::Candidate,
    duty::{Duty, Role},
    leadership::{Leadership, Mandate},
    observer::{Leader, Observer, leader, observe},
    run::run_while_leader,
    shares::Shares,
    standing::{Standing, standing},
};

/// The kind of these keys.
const KIND: &str = "elections";
