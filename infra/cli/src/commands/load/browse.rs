//! `./plumbline load browse`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::ArgGroup;
use contracts::consistency::Level;
use driver::{
    Rate,
    browse::{self, Browse, Popularity, Report},
    retail::Retail,
    seed::Cover,
};
use indicatif::ProgressBar;
use local::{servers::Server, shop::Part};
use serde::Serialize;

use super::caching::Caching;
use crate::{
    CommandError,
    borrowed::unless_interrupted,
    commands::{seed, status},
    coordinators::Coordinators,
    home,
    output::{self, Tone},
    processor, progress,
    reach::Reach,
    table::{Cell, Table},
    units,
};

/// How long caches warm up before anything is measured.
const WARM_UP: Duration = Duration::from_secs(3);

/// Look at products and their stock, each as often as real orders have it
#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("pace").args(["rate", "saturate"]).required(true),
    after_help = "Half of the reads are of products, half of their stock; a share of the requests adds one to a stock. The file's products are \
put into the shop first. With --policies each way to cache is tried in turn, after it has warmed up for three seconds, and the setting \
is set back.

Examples:
  ./plumbline load browse --rate 2000 --for 20
  ./plumbline load browse --saturate --policies off,aside,write-through
  ./plumbline load browse --saturate --level session --write-share 0.2"
)]
pub(crate) struct Looking {
    /// Requests a second
    #[arg(long, value_name = "R")]
    rate: Option<Rate>,

    /// Every connection sends its next request when its last one is answered: how much the shop takes. Closed loop, so a
    /// stall hides the waits it would have caused
    #[arg(long)]
    saturate: bool,

    /// How long to send, in seconds
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 10)]
    seconds: u64,

    /// Which part of the requests writes
    #[arg(long, value_name = "PART", default_value_t = 0.02)]
    write_share: f64,

    /// How new answers have to be: strong, session, monotonic or eventual
    #[arg(long, value_name = "LEVEL", default_value_t = Level::Eventual)]
    level: Level,

    /// Whose orders say how often each product is looked at: CSV, compressed with gzip or not, with the columns that
    /// data/README.md describes. A month of real orders, if it isn't given
    #[arg(long, value_name = "FILE")]
    zipf_from: Option<PathBuf>,

    /// Ways to cache, tried in turn: off, aside, write-through. As the shop is set, if it isn't given
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    policies: Vec<String>,

    /// Connections; each is a session with one request at a time
    #[arg(long, value_name = "N", default_value_t = 64)]
    connections: usize,

    /// From the same seed come the same choices of each connection
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    coordinators: Coordinators,

    #[command(flatten)]
    reach: Reach,
}

/// What came of one way to cache.
#[derive(Debug, Serialize)]
struct Done {
    /// `None` for the one that was set before.
    policy: Option<String>,
    #[serde(flatten)]
    report: Report,
    /// Processor time of PostgreSQL, its replica included, for a thousand reads; `None` where it can't be known.
    postgres_ms_per_thousand_reads: Option<f64>,
}

impl Looking {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let file = self.zipf_from.clone().unwrap_or_else(home::demo_orders);
        let retail = Retail::read(&file)?;
        seed::put(data_dir, &self.reach, &retail.wares(Cover::default())).await?;
        let browse = self.browse(data_dir, Popularity::of(&retail)).await?;
        let mut caching = Caching::of(&self.coordinators, data_dir).await?;
        let done = unless_interrupted(self.each(data_dir, &browse, &mut caching)).await;
        caching.give_back().await?;
        self.show(&done??)
    }

    async fn browse(&self, data_dir: &Path, popularity: Popularity) -> Result<Browse, CommandError> {
        Ok(Browse {
            inventory: self.reach.inventory(data_dir).await?,
            token: self.reach.operator_token(data_dir).await?,
            popularity,
            rate: self.rate,
            lasting: Duration::from_secs(self.seconds),
            connections: self.connections,
            level: self.level,
            write_share: self.write_share,
            seed: self.seed,
        })
    }

    async fn each(&self, data_dir: &Path, browse: &Browse, caching: &mut Caching) -> Result<Vec<Done>, CommandError> {
        if self.policies.is_empty() {
            return Ok(vec![self.measure(data_dir, browse, None).await?]);
        }
        let mut all = Vec::new();
        for policy in &self.policies {
            caching.put_in_force(policy).await?;
            all.push(self.measure(data_dir, browse, Some(policy.clone())).await?);
        }
        Ok(all)
    }

    /// Warms up, and measures.
    async fn measure(&self, data_dir: &Path, browse: &Browse, policy: Option<String>) -> Result<Done, CommandError> {
        let bar = progress::bar(policy.clone().unwrap_or_else(|| "looking".to_owned()), self.seconds);
        browse::run(Browse { lasting: WARM_UP, ..browse.clone() }, |_| {}).await?;
        let before = self.postgres_time(data_dir).await?;
        let report = browse::run(browse.clone(), follow(bar.clone())).await?;
        let after = self.postgres_time(data_dir).await?;
        bar.finish_and_clear();
        let spent = after.zip(before).map(|(after, before)| after.saturating_sub(before).as_secs_f64() * 1e3);
        let spent = spent.filter(|_| report.reads > 0).map(|spent| spent / (report.reads as f64 / 1e3));
        Ok(Done { policy, report, postgres_ms_per_thousand_reads: spent })
    }

    /// Of PostgreSQL and its replica, where they are those of the shop on this data folder.
    async fn postgres_time(&self, data_dir: &Path) -> Result<Option<Duration>, CommandError> {
        if self.reach.is_elsewhere() {
            return Ok(None);
        }
        let parts = status::overview(data_dir).await?.parts;
        let databases = [Server::Postgres, Server::Replica].map(Part::Server);
        let pids = parts.iter().filter(|status| databases.contains(&status.part)).filter_map(|status| status.pid);
        Ok(pids.map(processor::time_of).sum())
    }

    fn show(&self, done: &[Done]) -> Result<(), CommandError> {
        if self.json {
            output::line(serde_json::to_string_pretty(done)?)?;
            return Ok(());
        }
        for Done { policy, report, .. } in done {
            if let Some(policy) = policy {
                output::line(Tone::Heading.paint(&format!("== {policy}"), output::colour()))?;
            }
            output::text(report)?;
            output::line("")?;
        }
        output::line(table(done).render(output::colour()))?;
        Ok(())
    }
}

fn follow(bar: ProgressBar) -> impl FnMut(Duration) + Send + 'static {
    move |elapsed| bar.set_position(elapsed.as_secs())
}

fn table(done: &[Done]) -> Table {
    let numbers =
        ["READS/S", "READ p50", "p99", "HITS", "AGE p50", "p99", "MAX", "WRITE p50", "p99", "FAILED", "POSTGRES/1,000"];
    let mut table = Table::new([Cell::text("POLICY")].into_iter().chain(numbers.map(Cell::number)));
    for Done { policy, report, postgres_ms_per_thousand_reads: postgres } in done {
        let ms = |time: f64| Cell::number(units::time(Duration::from_secs_f64(time / 1e3)));
        let failed = report.failed.values().sum::<u64>() + report.dropped;
        table.row([
            Cell::text(policy.as_deref().unwrap_or("as it was")),
            Cell::number(format_args!("{:.0}", report.reads_per_second)),
            ms(report.read_ms.p50),
            ms(report.read_ms.p99),
            Cell::number(format_args!("{:.1} %", report.hit_ratio * 100.0)),
            ms(report.age_ms.p50),
            ms(report.age_ms.p99),
            ms(report.age_ms.max),
            ms(report.write_ms.p50),
            ms(report.write_ms.p99),
            Cell::number(failed).toned(if failed > 0 { Tone::Bad } else { Tone::Good }),
            postgres.map_or_else(|| Cell::number("unknown"), ms),
        ]);
    }
    table
}
