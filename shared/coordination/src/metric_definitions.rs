//! Every metric of this crate.

use std::sync::LazyLock;

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, UpDownCounter},
};

use crate::Name;

/// The attribute that holds a setting's name.
pub(crate) const SETTING: &str = "plumbline.setting";

pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

pub(crate) struct Metrics {
    pub(crate) connected: UpDownCounter<i64>,
    pub(crate) retries: Counter<u64>,
    pub(crate) leases_lost: Counter<u64>,
    pub(crate) relisted: Counter<u64>,
    elections_won: Counter<u64>,
    settings_refused: Counter<u64>,
    settings_changed: Counter<u64>,
    setting_value: Gauge<f64>,
}

impl Metrics {
    fn new() -> Self {
        let meter = global::meter("plumbline.coordination");
        Self {
            connected: meter
                .i64_up_down_counter("plumbline.coordination.connected")
                .with_description("1 while the coordinators answer, 0 after each has failed in turn")
                .build(),
            retries: meter
                .u64_counter("plumbline.coordination.retries")
                .with_description("Attempts that failed for a reason that passes by itself and were made again")
                .build(),
            leases_lost: meter
                .u64_counter("plumbline.coordination.leases_lost")
                .with_description("Leases that ended without being given back")
                .build(),
            relisted: meter
                .u64_counter("plumbline.coordination.relisted")
                .with_description("Watches that found their place compacted and read everything again")
                .build(),
            elections_won: meter
                .u64_counter("plumbline.coordination.elections_won")
                .with_description("Times this process became leader")
                .build(),
            settings_refused: meter
                .u64_counter("plumbline.coordination.settings_refused")
                .with_description("Values in the store that a setting's definition does not allow")
                .build(),
            settings_changed: meter
                .u64_counter("plumbline.coordination.settings_changed")
                .with_description("Changes of a setting that this process took")
                .build(),
            setting_value: meter
                .f64_gauge("plumbline.coordination.setting")
                .with_description(
                    "What a setting is: a number in its unit, the place of a word among its words, 0 or 1",
                )
                .build(),
        }
    }

    pub(crate) fn election_won(&self, election: &Name) {
        self.elections_won.add(1, &[KeyValue::new("plumbline.election", election.to_string())]);
    }

    pub(crate) fn setting_refused(&self, setting: &Name) {
        self.settings_refused.add(1, &[KeyValue::new(SETTING, setting.to_string())]);
    }

    pub(crate) fn setting_changed(&self, setting: &Name, value: f64) {
        self.settings_changed.add(1, &[KeyValue::new(SETTING, setting.to_string())]);
        self.setting_is(setting, value);
    }

    pub(crate) fn setting_is(&self, setting: &Name, value: f64) {
        self.setting_value.record(value, &[KeyValue::new(SETTING, setting.to_string())]);
    }
}
