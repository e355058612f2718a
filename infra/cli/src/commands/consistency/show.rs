//! What a check came to, for people and for programs.

use std::time::Duration;

use driver::{
    Quantiles,
    consistency::{LevelReport, Report, Told},
};

use super::faults::Broken;
use crate::{
    CommandError,
    output::{self, Tone},
    table::{Cell, Table},
    units,
};

pub(super) fn json(report: &Report, broken: &Broken) -> Result<(), CommandError> {
    let mut json = serde_json::to_value(report)?;
    json["passed"] = report.passed().into();
    json["never_weaker"] = serde_json::to_value(report.never_weaker())?;
    json["faults"] = serde_json::to_value(broken)?;
    output::line(serde_json::to_string_pretty(&json)?)?;
    Ok(())
}

pub(super) fn text(report: &Report, broken: &Broken) -> Result<(), CommandError> {
    let Report { operations, seconds, sessions, oldest, writes, .. } = report;
    let oldest = units::time(oldest.cache);
    output::line(format_args!(
        "{operations} operations in {sessions} sessions, {seconds:.1} s; a copy may be {oldest} old for eventual"
    ))?;
    if !broken.is_empty() {
        let told: Vec<_> = broken.iter().map(|(fault, times)| format!("{fault} {times} times")).collect();
        output::line(format_args!("meanwhile: {}", told.join(", ")))?;
    }
    output::line(format_args!("\n{}\n", table(report).render(output::colour())))?;
    output::line(format_args!(
        "writes: {} acknowledged (p50 {}, p99 {}), {} refused, {} unknown",
        writes.acknowledged,
        ms(writes.latency_ms.p50),
        ms(writes.latency_ms.p99),
        writes.refused,
        writes.unknown
    ))?;
    for (why, count) in &report.unanswered {
        output::line(format_args!("{count} not answered: {why}"))?;
    }
    conclude(report)
}

fn conclude(report: &Report) -> Result<(), CommandError> {
    for level in report.untried() {
        let told = format!("no {level} read was answered: nothing is known of that level");
        output::line(Tone::Bad.paint(&told, output::colour()))?;
    }
    for level in report.never_weaker() {
        output::line(format_args!("{level} never showed less than strong promises: this run says little of it"))?;
    }
    if report.violations == 0 {
        output::line(Tone::Good.paint("no level showed less than it promises", output::colour()))?;
        return Ok(());
    }
    output::line(Tone::Bad.paint(&format!("{} VIOLATIONS", report.violations), output::colour()))?;
    for (rule, count) in &report.by_rule {
        output::line(format_args!("{count} {rule}"))?;
    }
    for (n, Told { rule, sku, operation, against }) in report.first.iter().enumerate() {
        output::line(format_args!("\n{}. {sku}: {rule}\n   {operation}", n + 1))?;
        match against {
            Some(against) => output::line(format_args!("   {against}"))?,
            None => output::line("   by itself, or by what was known before")?,
        }
    }
    Ok(())
}

fn table(report: &Report) -> Table {
    let numbers = [
        "READS",
        "VIOLATIONS",
        "BEHIND strong",
        "session",
        "monotonic",
        "BY cache",
        "replica",
        "primary",
        "AGE p50",
        "p99",
        "MAX",
        "LATENCY p50",
        "p99",
        "UNANSWERED",
    ];
    let mut table = Table::new([Cell::text("LEVEL")].into_iter().chain(numbers.map(Cell::number)));
    for level in &report.levels {
        table.row(row(level));
    }
    table
}

fn row(report: &LevelReport) -> Vec<Cell> {
    let wrong = if report.violations > 0 { Tone::Bad } else { Tone::Good };
    let Quantiles { p50, p99, max, .. } = report.age_ms;
    let times = [p50, p99, max, report.latency_ms.p50, report.latency_ms.p99].map(|time| Cell::number(ms(time)));
    let behind = [report.behind_strong, report.behind_session, report.behind_monotonic];
    let by = [report.by_cache, report.by_replica, report.by_primary];
    let mut cells =
        vec![Cell::text(report.level), Cell::number(report.reads), Cell::number(report.violations).toned(wrong)];
    cells.extend(behind.into_iter().chain(by).map(Cell::number));
    cells.extend(times);
    cells.push(Cell::number(report.unanswered));
    cells
}

fn ms(time: f64) -> String {
    units::time(Duration::from_secs_f64(time / 1e3))
}
