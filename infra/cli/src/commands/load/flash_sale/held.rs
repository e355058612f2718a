//! A sale that was held.

use driver::flash_sale::Report;
use serde_json::{Value, json};

use super::verdict::Verdict;
use crate::{
    CommandError,
    output::{self, Tone},
};

/// A sale, and what the audit says of it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) report: Report,
    pub(super) verdict: Verdict,
}

impl Held {
    /// Whether no more was sold than there was, all is known, and the audit has found nothing.
    pub(super) fn is_right(&self) -> bool {
        self.report.oversold == 0 && self.report.run.settled.fault.is_none() && self.verdict.violations == 0
    }

    /// As JSON: the sale, with the audit and the strategy, null where none was set, beside it.
    pub(super) fn to_json(&self, strategy: Option<&str>) -> Result<Value, CommandError> {
        let mut sale = serde_json::to_value(&self.report)?;
        sale["strategy"] = json!(strategy);
        sale["audit"] = serde_json::to_value(&self.verdict)?;
        Ok(sale)
    }

    pub(super) fn show(&self, strategy: Option<&str>, as_json: bool) -> Result<(), CommandError> {
        if as_json {
            output::line(serde_json::to_string_pretty(&self.to_json(strategy)?)?)?;
            return Ok(());
        }
        output::text(&self.report)?;
        output::line("")?;
        if let Some(oversell) = self.report.oversell() {
            output::line(Tone::Bad.paint(&oversell, output::colour()))?;
        }
        output::text(self.audited())?;
        Ok(())
    }

    fn audited(&self) -> String {
        let Verdict { violations, before, checks } = &self.verdict;
        let old = if *before > 0 { format!(" (and {before} from before the sale)") } else { String::new() };
        if *violations == 0 {
            return format!("the audit found nothing wrong{old}");
        }
        let mut text = Tone::Bad.paint(&format!("the audit found {violations} things wrong{old}"), output::colour());
        for outcome in checks {
            text += &format!("\n  {} {}: {}", outcome.violations, outcome.name.name(), outcome.description);
            if let Some(first) = outcome.first.last() {
                text += &format!("\n    such as {}", first.what);
            }
        }
        text + "\n`./plumbline audit` tells more"
    }
}
