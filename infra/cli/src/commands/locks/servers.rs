//! Where locks are.

use std::path::Path;

use crate::{CommandError, commands::status, coordinators::Coordinators};

/// Where locks are: in the shop on the data folder, or in another.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "A shop that runs elsewhere, for example in containers")]
pub(super) struct Servers {
    /// Its Redis, as redis://[:PASSWORD@]HOST:PORT/0
    #[arg(long, value_name = "URL", env = "PLUMBLINE_REDIS_URL", hide_env_values = true)]
    redis_url: Option<String>,

    /// Its other Redis servers, of which the strategy redlock takes most; may be given for each
    #[arg(long, value_name = "URL", env = "PLUMBLINE_REDLOCK_URLS", hide_env_values = true, value_delimiter = ',')]
    redlock_url: Vec<String>,

    #[command(flatten)]
    coordinators: Coordinators,
}

/// Where locks are.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// The URL of Redis. It holds its password.
    pub(super) redis: String,
    /// The other Redis servers, of which Redlock takes most; none where it is not used.
    pub(super) redlock: Vec<String>,
    /// The coordinators' addresses; none where there are no coordinators.
    pub(super) coordinators: Vec<String>,
    /// What the shop's keys begin with.
    pub(super) prefix: String,
}

impl Servers {
    /// The places. The shop on the data folder is asked only for what was not given.
    pub(super) async fn places(&self, data_dir: &Path) -> Result<Places, CommandError> {
        let prefix = self.coordinators.prefix().to_owned();
        if let Some(redis) = self.redis_url.clone() {
            // Somebody else's Redis is not of the shop on this folder.
            let (redlock, coordinators) = (self.redlock_url.clone(), self.coordinators.endpoints(None));
            return Ok(Places { redis, redlock, coordinators, prefix });
        }
        let overview = status::overview(data_dir).await?;
        let coordinators = self.coordinators.endpoints(Some(&overview));
        let redlock = if self.redlock_url.is_empty() { overview.endpoints.redlock } else { self.redlock_url.clone() };
        Ok(Places { redis: overview.endpoints.redis, redlock, coordinators, prefix })
    }
}
