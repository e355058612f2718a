//! Several stories in one shop.

use std::{panic::AssertUnwindSafe, time::Instant};

use futures::FutureExt;

use super::trial::Trial;

/// Tells stories one after the other in one shop, all of them, and at the end which have failed.
pub(crate) struct Telling<'a> {
    trial: &'a Trial,
    failed: Vec<&'static str>,
}

impl<'a> Telling<'a> {
    pub(crate) fn of(trial: &'a Trial) -> Self {
        Self { trial, failed: Vec::new() }
    }

    /// One that fails says so as any test does, and keeps none of the others from being told.
    pub(crate) async fn tell(&mut self, name: &'static str, story: impl Future<Output = ()>) {
        let begun = Instant::now();
        let told = AssertUnwindSafe(story).catch_unwind().await;
        // Shown where the test fails, or with --nocapture.
        println!("{name}: {:.1?}", begun.elapsed());
        if told.is_err() {
            self.failed.push(name);
            self.trial.recovers().await;
        }
    }

    pub(crate) fn ends(self) {
        assert!(self.failed.is_empty(), "these have failed, each as it says above: {:#?}", self.failed);
    }
}
