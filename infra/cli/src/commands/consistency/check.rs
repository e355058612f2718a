//! `./plumbline consistency check`.

use std::{path::Path, process::ExitCode, time::Duration};

use coordination::Name;
use driver::consistency::{History, Oldest, Progress, Report, Trial};
use indicatif::ProgressBar;
use tokio::sync::watch;

use super::{
    ConsistencyError,
    faults::{Broken, Faults},
    show,
};
use crate::{
    CommandError,
    borrowed::{Borrowed, unless_interrupted},
    commands::seed,
    coordinators::Coordinators,
    progress,
    reach::Reach,
    units,
};

/// How old an answer of `eventual` may be.
const TTL: Name = Name::literal("cache.ttl_ms");
/// Who is written down as having set it.
const WHO: &str = "consistency";
/// When every instance has learnt of a setting.
const LEARNT: Duration = Duration::from_secs(1);
/// How old a copy may be where no setting says so: services' own default.
const USUAL_AGE: Duration = Duration::from_secs(60);

/// Have clients read and write stock at every level, and check what they were shown
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Clients read and write the stock of products of their own, CONSISTENCY-0001 and on, at all levels, in sessions, through \
all instances of inventory. What they were shown is then checked by exact rules; BEHIND counts what showed less than a stronger level \
promises, which is no violation. The exit code is 1 when a level showed less than it promises itself, or could not be tried.

With --faults memcached is killed and stopped, the replica is held back, and instances of inventory are killed, one after the \
other, again and again; at the end all of it is as it was. A part that the shop doesn't have is left out.

Examples:
  ./plumbline up -d --replica --instances inventory=3
  ./plumbline consistency check --faults
  ./plumbline consistency check --operations 20000 --skus 3 --clients 64 --seed 7"
)]
pub(crate) struct Check {
    /// How many reads and writes there are
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    operations: u64,

    /// How many clients make them, each one at a time, in sessions of a hundred
    #[arg(long, value_name = "N", default_value_t = 32)]
    clients: u32,

    /// How many products they are spread over
    #[arg(long, value_name = "M", default_value_t = 20)]
    skus: u32,

    /// Which part of them are writes
    #[arg(long, value_name = "PART", default_value_t = driver::consistency::WRITE_SHARE)]
    write_share: f64,

    /// From the same seed come the same choices of each client, and the same order of faults
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// Kill, stop and hold back parts of the shop meanwhile
    #[arg(long, overrides_with = "no_faults", conflicts_with = "order_url")]
    faults: bool,

    /// Break nothing, as without --faults
    #[arg(long, overrides_with = "faults")]
    no_faults: bool,

    /// How old an answer of `eventual` may be; set for as long as the check takes, where the shop has coordinators
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = units::parse)]
    ttl: Duration,

    /// The report as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    coordinators: Coordinators,

    #[command(flatten)]
    reach: Reach,
}

impl Check {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<ExitCode, CommandError> {
        let faults = if self.faults && !self.no_faults {
            Faults::of(data_dir, self.seed).await?
        } else {
            Faults::none(data_dir)
        };
        let trial = self.trial(data_dir, &faults).await?;
        seed::put(data_dir, &self.reach, &trial.wares().map_err(ConsistencyError::from)?).await?;
        let mut settings = Borrowed::at(&self.coordinators, data_dir, WHO).await?;
        let tried = self.with_ttl(&mut settings, trial, faults).await;
        settings.give_back().await?;
        let (oldest, history, broken) = tried?;
        let report = Report::of(&history, oldest);
        if self.json {
            show::json(&report, &broken)?;
        } else {
            show::text(&report, &broken)?;
        }
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn trial(&self, data_dir: &Path, faults: &Faults) -> Result<Trial, CommandError> {
        let (inventory, token) = (self.reach.inventory(data_dir).await?, self.reach.operator_token(data_dir).await?);
        Ok(Trial {
            operations: self.operations,
            clients: self.clients,
            products: self.skus,
            write_share: self.write_share,
            seed: self.seed,
            lasting: faults.round(),
            ..Trial::new(inventory, token)
        })
    }

    async fn with_ttl(
        &self,
        settings: &mut Borrowed,
        trial: Trial,
        faults: Faults,
    ) -> Result<(Oldest, History, Broken), CommandError> {
        let set = settings.set(&TTL, &self.ttl.as_millis().to_string()).await?;
        let oldest = if set { self.ttl } else { USUAL_AGE };
        if set {
            tokio::time::sleep(LEARNT).await;
        }
        let (stop, stopped) = watch::channel(false);
        let trying = async {
            let bar = progress::bar("operations", trial.operations);
            let history = unless_interrupted(driver::consistency::run(trial, follow(bar.clone()))).await;
            bar.finish_and_clear();
            // It mends what it has broken, and ends.
            stop.send_replace(true);
            history
        };
        let (history, broken) = futures::join!(trying, faults.run(stopped));
        Ok((Oldest { cache: oldest, replica: oldest }, history?.map_err(ConsistencyError::from)?, broken?))
    }
}

fn follow(bar: ProgressBar) -> impl FnMut(&Progress) + Send + 'static {
    move |progress| {
        bar.set_position(progress.done);
        bar.set_prefix(format!("{} unanswered", progress.unanswered));
    }
}
