//! `GET /recommendations`.

use std::time::Instant;

use contracts::{Sku, recommendation::Recommendations};
use telemetry::context::of_scope;

use crate::{memory::Memory, metric_definitions::METRICS};

/// Up to `limit` products that were bought together with those asked for, the most often first. A product that nobody
/// bought lately adds nothing. It can't fail: the answer is counted from memory.
pub fn recommend(memory: &Memory, asked: &[Sku], limit: u16) -> Recommendations {
    let began = Instant::now();
    let recommendations = memory.recommend(asked, usize::from(limit));
    METRICS.answer_duration.record(began.elapsed(), of_scope());
    recommendations
}
