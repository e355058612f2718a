//! `./plumbline simulate`.

use std::{ops::Range, process::ExitCode};

use consensus::sim::{self, Campaign, Profile, Violation};

use crate::{CommandError, output, progress};

/// Runs a violation gets to become smaller in.
const SHRINK_RUNS: usize = 400;

/// Run the coordination cluster on simulated disks, clocks and networks that fail, by seeds
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit code is 1 when a seed breaks a rule; it is printed with the smallest plan found that does.

Examples:
  ./plumbline simulate                           # two thousand seeds
  ./plumbline simulate --seeds 100000            # a night's
  ./plumbline simulate --seed 4711               # one again, exactly as it was
  ./plumbline simulate --profile disks --seeds 500"
)]
pub(crate) struct Simulate {
    /// How many seeds
    #[arg(long, default_value_t = 2_000, value_name = "COUNT")]
    seeds: u64,

    /// The first of them
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    from: u64,

    /// This seed alone
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,

    /// What goes wrong in all of them (calm, lossy, crashing, elections, membership, disks, leases); without it the seeds
    /// take turns
    #[arg(long)]
    profile: Option<Profile>,
}

impl Simulate {
    pub(crate) fn run(&self) -> Result<ExitCode, CommandError> {
        let campaign = Campaign { profile: self.profile, ..Campaign::new(self.range()) };
        let bar = progress::bar("simulating", campaign.seeds.end - campaign.seeds.start);
        let summary = sim::campaign(&campaign, |runs| bar.set_position(runs));
        bar.finish_and_clear();
        output::line(format_args!("{} seeds: {}", summary.runs, summary.total))?;
        let Some(first) = summary.violations.first() else {
            output::line("no rule was broken")?;
            return Ok(ExitCode::SUCCESS);
        };
        tell(&summary.violations)?;
        output::line(format_args!("\n{}", sim::shrink(first, SHRINK_RUNS)))?;
        Ok(ExitCode::FAILURE)
    }

    fn range(&self) -> Range<u64> {
        let (from, count) = self.seed.map_or((self.from, self.seeds), |seed| (seed, 1));
        from..from.saturating_add(count)
    }
}

fn tell(violations: &[Violation]) -> Result<(), CommandError> {
    for violation in violations {
        let (seed, rule, again) = (violation.plan.seed, violation.rule, violation.plan.replay());
        output::line(format_args!("seed {seed} breaks the rule \"{rule}\"; again: {again}"))?;
    }
    Ok(())
}
