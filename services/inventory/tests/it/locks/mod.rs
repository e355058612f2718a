//! What becomes of stock when locks fail: holders that stand still, a Redis that forgets or is gone, coordinators that are
//! gone, and strategies that change while all go on.

mod apart;
mod gone;
pub(crate) mod instance;
mod losing;
mod pausing;
mod stage;
mod switching;
