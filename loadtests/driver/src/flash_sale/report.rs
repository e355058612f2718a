//! What a sale came to.

use std::fmt;

use contracts::Sku;
use serde::Serialize;

use super::Sale;
use crate::{
    latency::Quantiles,
    render::{grouped, write_heading, write_quantiles},
    summary::{Settled, Summary},
};

/// What a sale came to. Written out it is for people; as JSON for programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of what.
    pub sku: Sku,
    /// How many there were.
    pub units: u64,
    /// How many wanted one.
    pub buyers: u64,
    /// Buyers whose order is confirmed: each has one unit.
    pub sold: u64,
    /// Buyers who were told that there are none left.
    pub rejected: u64,
    /// Acknowledged orders that are not final, or were not found.
    pub undecided: u64,
    /// How many more were sold than there were.
    pub oversold: u64,
    /// How many are left although buyers were turned away.
    pub left: u64,
    /// Decided orders a second, from the first planned to the last decision.
    pub decided_per_second: f64,
    /// From the planned time to the acknowledgement, in milliseconds.
    pub placing_ms: Quantiles,
    /// From the planned time to the decision, in milliseconds.
    pub deciding_ms: Quantiles,
    /// Those who bought other things; null where there were none.
    pub others: Option<OthersReport>,
    /// The buyers' run in full.
    pub run: Summary,
}

/// How others fared: from the planned time to the decision, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OthersReport {
    /// Before the sale.
    pub before_ms: Quantiles,
    /// Before the sale, beside as many a second as the sale has, who wanted anything.
    pub crowded_ms: Quantiles,
    /// From its first buyer to its last decision.
    pub during_ms: Quantiles,
    /// How many times as long it took during the sale as before.
    pub by_sale: Ratio,
    /// How many times as long it took beside the crowd as before: what the load alone does.
    pub by_load: Ratio,
    /// How many times as long it took during the sale as beside the crowd: what it does that all want one thing.
    pub by_heat: Ratio,
    /// Their orders that are not confirmed, though there is enough of everything.
    pub not_confirmed: u64,
}

/// How many times as long something took as something else; null where nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// Of the medians.
    pub p50: Option<f64>,
    /// Of the 99th percentiles.
    pub p99: Option<f64>,
}

impl Ratio {
    fn new(times: &Quantiles, base: &Quantiles) -> Self {
        let measured = times.count > 0 && base.count > 0;
        let of = |times: f64, base: f64| (measured && base > 0.0).then(|| times / base);
        Self { p50: of(times.p50, base.p50), p99: of(times.p99, base.p99) }
    }
}

impl Report {
    pub(super) fn new(sale: &Sale, run: Summary, others: Option<OthersReport>) -> Self {
        let Settled { confirmed: sold, rejected, undecided, missing, .. } = run.settled;
        Self {
            sku: sale.sku.clone(),
            units: sale.units,
            buyers: sale.buyers,
            sold,
            rejected,
            undecided: undecided + missing,
            oversold: sold.saturating_sub(sale.units),
            left: if rejected == 0 { 0 } else { sale.units.saturating_sub(sold) },
            decided_per_second: run.settled.decided_per_second,
            placing_ms: run.acknowledgement_ms,
            deciding_ms: run.settled.end_to_end_ms,
            others,
            run,
        }
    }

    /// What is wrong, if more was sold than there was.
    pub fn oversell(&self) -> Option<String> {
        let Self { oversold, sold, units, sku, .. } = self;
        let [by, sold, units] = [*oversold, *sold, *units].map(grouped);
        (*oversold > 0).then(|| format!("OVERSOLD by {by}: {sold} buyers were promised one of {units} {sku}"))
    }
}

impl OthersReport {
    pub(super) fn new(before: &Summary, crowded: &Summary, during: &Summary) -> Self {
        let [before_ms, crowded_ms, during_ms] = [before, crowded, during].map(|run| run.settled.end_to_end_ms);
        let lacking = |run: &Summary| run.acknowledged - run.settled.confirmed;
        Self {
            before_ms,
            crowded_ms,
            during_ms,
            by_sale: Ratio::new(&during_ms, &before_ms),
            by_load: Ratio::new(&crowded_ms, &before_ms),
            by_heat: Ratio::new(&during_ms, &crowded_ms),
            not_confirmed: [before, crowded, during].map(lacking).into_iter().sum(),
        }
    }
}

impl fmt::Display for Report {
    /// In at most 80 columns. That more was sold than there was is left to [`Report::oversell`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "run {}: everybody wants one {}", self.run.run, self.sku)?;
        writeln!(f, "units there were{:>9}", grouped(self.units))?;
        writeln!(f, "buyers          {:>9} planned in {:.1} s", grouped(self.buyers), self.run.seconds)?;
        if self.run.dropped > 0 {
            writeln!(f, "dropped         {:>9} never sent: too many in flight", grouped(self.run.dropped))?;
        }
        self.run.write_failures(f)?;
        let rate = grouped(self.decided_per_second.round() as u64);
        writeln!(f, "sold            {:>9} orders confirmed, {rate}/s decided", grouped(self.sold))?;
        writeln!(f, "rejected        {:>9}", grouped(self.rejected))?;
        writeln!(f, "undecided       {:>9}", grouped(self.undecided))?;
        if self.left > 0 {
            writeln!(f, "left            {:>9} though buyers were turned away", grouped(self.left))?;
        }
        if let Some(fault) = &self.run.settled.fault {
            writeln!(f, "not read back: {fault}")?;
        }
        write_heading(f)?;
        write_quantiles(f, "placed", &self.placing_ms)?;
        write_quantiles(f, "decided", &self.deciding_ms)?;
        write_quantiles(f, "send lag", &self.run.send_lag_ms)?;
        self.others.as_ref().map_or(Ok(()), |others| others.fmt(f))
    }
}

impl fmt::Display for OthersReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_quantiles(f, "others before", &self.before_ms)?;
        write_quantiles(f, "  in a crowd", &self.crowded_ms)?;
        write_quantiles(f, "  in the sale", &self.during_ms)?;
        let told = [
            (self.by_sale, "in the sale others waited"),
            (self.by_load, "of that as many orders for anything make"),
            (self.by_heat, "and that all want one thing"),
        ];
        for (ratio, what) in told {
            if let Ratio { p50: Some(p50), p99: Some(p99) } = ratio {
                writeln!(f, "{what:<40} {p50:.1} times at p50, {p99:.1} times at p99")?;
            }
        }
        if self.not_confirmed > 0 {
            let count = grouped(self.not_confirmed);
            writeln!(f, "{count} of the others' orders are not confirmed, though there is enough of everything")?;
        }
        Ok(())
    }
}
