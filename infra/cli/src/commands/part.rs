//! `./plumbline kill` and `./plumbline restart`.

use std::{path::Path, time::Instant};

use local::shop::Part;

use crate::{
    CommandError,
    control::{self, Request},
    output, units,
};

/// Which part of the shop.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  ./plumbline kill inventory#2     one instance
  ./plumbline restart order        all instances, one after the other
  ./plumbline kill coordinator#2   the other two go on
  ./plumbline kill kafka           it stays down until `./plumbline restart kafka`")]
pub(crate) struct Which {
    /// order, inventory, recommendation, coordinator, one of them as in inventory#2, or postgres, replica, redis,
    /// memcached, kafka
    #[arg(value_name = "PART")]
    part: Part,
}

impl Which {
    pub(crate) async fn kill(&self, data_dir: &Path) -> Result<(), CommandError> {
        control::ask(data_dir, &Request::Kill { part: self.part }, drop).await?;
        output::line(format_args!("{0} is killed; `./plumbline restart {0}` brings it back", self.part))?;
        Ok(())
    }

    pub(crate) async fn restart(&self, data_dir: &Path) -> Result<(), CommandError> {
        let begin = Instant::now();
        control::ask(data_dir, &Request::Restart { part: self.part }, drop).await?;
        output::line(format_args!("{} is ready after {}", self.part, units::time(begin.elapsed())))?;
        Ok(())
    }
}
