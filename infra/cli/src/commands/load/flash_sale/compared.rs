//! Every strategy in turn.

use std::{path::Path, process::ExitCode};

use contracts::Sku;
use driver::flash_sale::{OthersReport, Ratio, Sale};

use super::{FlashSale, Held, NoSale, strategy::Strategies, verdict::Auditing};
use crate::{
    CommandError,
    output::{self, Tone},
    table::{Cell, Table},
};

/// Holds a sale by each strategy, on a product of its own, and sets back how stock was locked.
pub(super) async fn all(
    command: &FlashSale,
    data_dir: &Path,
    sale: &Sale,
    auditing: &mut Auditing<'_>,
) -> Result<ExitCode, CommandError> {
    if command.drive.run.is_some() {
        return Err(NoSale::OneRun.into());
    }
    let strategies = command.strategies(data_dir).await?;
    let words = strategies.words().await?;
    let skus = skus(&sale.sku, &words, rand::random())?;
    let before = strategies.value().await?;
    let done = each(command, data_dir, &strategies, sale, words.into_iter().zip(skus), auditing).await;
    strategies.put_back(before.as_deref()).await?;
    let done = done?;
    if command.drive.json {
        let all = done.iter().map(|(word, held)| held.to_json(Some(word))).collect::<Result<Vec<_>, _>>()?;
        output::line(serde_json::to_string_pretty(&all)?)?;
    } else {
        output::line(format_args!("\n{}", table(&done).render(output::colour())))?;
    }
    let right = done.iter().all(|(_, held)| held.is_right());
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn each(
    command: &FlashSale,
    data_dir: &Path,
    strategies: &Strategies,
    sale: &Sale,
    ways: impl Iterator<Item = (String, Sku)>,
    auditing: &mut Auditing<'_>,
) -> Result<Vec<(String, Held)>, CommandError> {
    let mut done = Vec::new();
    for (word, sku) in ways {
        strategies.put_in_force(&word).await?;
        let held = command.hold(data_dir, &Sale { sku, ..sale.clone() }, auditing).await?;
        if !command.drive.json {
            output::line(Tone::Heading.paint(&format!("== {word}"), output::colour()))?;
            held.show(Some(&word), false)?;
            output::line("")?;
        }
        done.push((word, held));
    }
    Ok(done)
}

/// A product for each: what an earlier comparison has oversold is of no concern to this one.
fn skus(first: &Sku, words: &[String], run: u16) -> Result<Vec<Sku>, NoSale> {
    let longest = words.iter().map(String::len).max().unwrap_or(0);
    let most = Sku::MAX_LENGTH.saturating_sub(longest + "-".len() + "-0000".len());
    let sku = |word: &String| Sku::try_from(format!("{first}-{word}-{run:04x}"));
    words.iter().map(sku).collect::<Result<_, _>>().map_err(|_| NoSale::LongSku { sku: first.clone(), most })
}

fn table(done: &[(String, Held)]) -> Table {
    let numbers = [
        "SOLD",
        "OVERSOLD",
        "REJECTED",
        "UNDECIDED",
        "DECIDED/S",
        "PLACED p50",
        "p99",
        "DECIDED p50",
        "p99",
        "OTHERS p99",
        "BY HEAT",
        "AUDIT",
    ];
    let mut table = Table::new([Cell::text("STRATEGY")].into_iter().chain(numbers.map(Cell::number)));
    for (word, Held { report, verdict }) in done {
        let wrong = |count: u64| if count > 0 { Tone::Bad } else { Tone::Good };
        let ms = |time: f64| Cell::number(format_args!("{time:.1} ms"));
        let times = |of: fn(&OthersReport) -> Ratio| {
            let p99 = report.others.as_ref().and_then(|others| of(others).p99);
            Cell::number(p99.map_or_else(|| "-".to_owned(), |times| format!("{times:.1} times")))
        };
        table.row([
            Cell::text(word),
            Cell::number(report.sold),
            Cell::number(report.oversold).toned(wrong(report.oversold)),
            Cell::number(report.rejected),
            Cell::number(report.undecided),
            Cell::number(format_args!("{:.0}", report.decided_per_second)),
            ms(report.placing_ms.p50),
            ms(report.placing_ms.p99),
            ms(report.deciding_ms.p50),
            ms(report.deciding_ms.p99),
            times(|others| others.by_sale),
            times(|others| others.by_heat),
            Cell::number(verdict.violations).toned(wrong(verdict.violations)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strategy_has_a_product() {
        let words = ["none", "redis-fenced", "coordination"].map(str::to_owned);
        let sku = |text: &str| Sku::try_from(text).unwrap();
        let skus_of = |first: &str| skus(&sku(first), &words, 0xab1);
        let named: Vec<_> = skus_of("FLASH-SALE").unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(named, ["FLASH-SALE-none-0ab1", "FLASH-SALE-redis-fenced-0ab1", "FLASH-SALE-coordination-0ab1"]);
        assert!(skus_of("FLASH-SALE-AGN").is_ok());
        let told = skus_of("FLASH-SALE-LONG").unwrap_err().to_string();
        assert!(told.contains("--sku FLASH-SALE-LONG") && told.contains("at most 14"), "{told}");
    }
}
