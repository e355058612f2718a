//! A summary for people.

use std::fmt;

use crate::{
    latency::Quantiles,
    retail::Reading,
    seed::SeedReport,
    summary::{Mode, Summary},
};

impl fmt::Display for Summary {
    /// A table of at most 80 columns; nothing that is zero is written, save what must be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_orders(f)?;
        self.write_failures(f)?;
        self.write_settled(f)?;
        let adjustments = self.adjustments;
        if adjustments.planned > 0 {
            let failed = adjustments.planned - adjustments.made;
            writeln!(f, "returns         {:>9} booked, {} not", grouped(adjustments.made), grouped(failed))?;
        }
        write_heading(f)?;
        write_quantiles(f, "acknowledged", &self.acknowledgement_ms)?;
        write_quantiles(f, "end to end", &self.settled.end_to_end_ms)?;
        write_quantiles(f, "send lag", &self.send_lag_ms)
    }
}

impl Summary {
    fn write_orders(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pace = match self.mode {
            Mode::OpenLoop => "at planned times; times count from them",
            Mode::Saturation => "every connection kept busy; times count from sending",
        };
        writeln!(f, "run {}: {pace}", self.run)?;
        writeln!(f, "orders planned  {:>9} in {:.1} s", grouped(self.planned), self.seconds)?;
        if self.dropped > 0 {
            writeln!(f, "dropped         {:>9} never sent: too many in flight", grouped(self.dropped))?;
        }
        let rate = grouped(self.acknowledged_per_second.round() as u64);
        writeln!(f, "acknowledged    {:>9} {rate}/s", grouped(self.acknowledged))
    }

    pub(crate) fn write_failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (status, refusals) in &self.refused {
            writeln!(f, "refused         {:>9} {status}: {}", grouped(refusals.count), refusals.example)?;
        }
        for (failure, count) in &self.unknown {
            writeln!(f, "unknown         {:>9} {failure}; may exist", grouped(*count))?;
        }
        for (failure, count) in &self.undelivered {
            writeln!(f, "undelivered     {:>9} {failure}", grouped(*count))?;
        }
        for (failure, count) in &self.retries {
            writeln!(f, "sent again      {:>9} {failure}", grouped(*count))?;
        }
        Ok(())
    }

    fn write_settled(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settled = &self.settled;
        let rate = grouped(settled.decided_per_second.round() as u64);
        writeln!(f, "confirmed       {:>9} {rate}/s decided", grouped(settled.confirmed))?;
        writeln!(f, "rejected        {:>9}", grouped(settled.rejected))?;
        for (name, count) in
            [("cancelled", settled.cancelled), ("undecided", settled.undecided), ("missing", settled.missing)]
        {
            if count > 0 {
                writeln!(f, "{name:<16}{:>9}", grouped(count))?;
            }
        }
        settled.fault.as_ref().map_or(Ok(()), |fault| writeln!(f, "not read back: {fault}"))
    }
}

/// What stands above quantiles.
pub(crate) fn write_heading(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(f, "\n{:<16}{:>9}{:>10}{:>10}{:>10}{:>10}", "ms", "p50", "p90", "p99", "p99.9", "max")
}

pub(crate) fn write_quantiles(f: &mut fmt::Formatter<'_>, name: &str, times: &Quantiles) -> fmt::Result {
    if times.count == 0 {
        return writeln!(f, "{name:<16}{:>9}", "-");
    }
    let Quantiles { p50, p90, p99, p999, max, .. } = times;
    writeln!(f, "{name:<16}{p50:>9.1}{p90:>10.1}{p99:>10.1}{p999:>10.1}{max:>10.1}")
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} lines of {} invoices:", grouped(self.lines), grouped(self.invoices))?;
        writeln!(f, "{:>9} products", grouped(self.products))?;
        writeln!(f, "{:>9} orders with {} lines", grouped(self.orders), grouped(self.order_lines))?;
        writeln!(f, "{:>9} returns with {} lines", grouped(self.returns), grouped(self.return_lines))?;
        writeln!(f, "{:>9} lines skipped, {} invoices wholly:", grouped(self.skipped.total()), self.invoices_skipped)?;
        self.skipped.iter().try_for_each(|(why, lines)| writeln!(f, "{:>9} {why}", grouped(lines)))
    }
}

impl fmt::Display for SeedReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { products, products_put, stocked, stocked_before, stocked_otherwise, seconds } = self;
        writeln!(
            f,
            "{} products, {} of them new or changed, in {seconds:.1} s",
            grouped(*products),
            grouped(*products_put)
        )?;
        writeln!(f, "stock added for {}; {} had it already", grouped(*stocked), grouped(*stocked_before))?;
        if let Some(first) = stocked_otherwise.first() {
            let count = grouped(stocked_otherwise.len() as u64);
            writeln!(
                f,
                "{count} (such as {first}) were seeded before with another quantity: their stock is left as it is"
            )?;
        }
        Ok(())
    }
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_parted() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (42_481, "42,481"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
