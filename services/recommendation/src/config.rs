//! What this service is configured with.

use std::ops::RangeInclusive;

use service::config::{Common, Reader};

/// What [`Config::window`] may be.
pub const WINDOW_RANGE: RangeInclusive<i64> = 1..=1_000_000;

/// The configuration, read once from the environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// What every service has.
    pub common: Common,
    /// How many of the newest orders it knows.
    pub window: i64,
}

impl Config {
    /// Reads every variable; `None` where one is wrong.
    pub fn read(env: &mut Reader) -> Option<Self> {
        let common = Common::read(env, "recommendation", 8083);
        let window = env.within(
            "PLUMBLINE_RECOMMENDATION_WINDOW",
            50_000,
            WINDOW_RANGE.into_inner(),
            "how many of the newest confirmed orders it knows: 100,000 take 8 MB with 3 lines each, 27 MB with 25",
        );
        Some(Self { common: common?, window })
    }
}
