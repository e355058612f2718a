//! Which coordinators a command speaks to: those of the shop on the data folder, or others.

use std::path::Path;

use coordination::{Cluster, Config, ConfigError};

use crate::{CommandError, commands::status, control::Overview};

/// Which coordinators.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "A shop that runs elsewhere, for example in containers")]
pub(crate) struct Coordinators {
    /// Its coordinators; may be given for each
    #[arg(long, value_name = "URL", env = "PLUMBLINE_COORDINATORS", value_delimiter = ',')]
    coordinator_url: Vec<String>,

    /// What its keys at the coordinators begin with, if its services were told so
    #[arg(long, value_name = "PREFIX", env = "PLUMBLINE_COORDINATION_PREFIX", default_value = "plumbline")]
    coordination_prefix: String,
}

/// The coordinators can't be reached for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CoordinatorsError {
    /// The shop on the data folder has none.
    #[error("this shop runs without coordinators. --coordinator-url names others.")]
    None,
    /// An address that is none.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Coordinators {
    /// What its keys begin with, at the coordinators and elsewhere.
    pub(crate) fn prefix(&self) -> &str {
        &self.coordination_prefix
    }

    /// The addresses: those that were given, or else of the shop's, if it has any.
    pub(crate) fn endpoints(&self, overview: Option<&Overview>) -> Vec<String> {
        match &self.coordinator_url[..] {
            [] => overview.map(urls).unwrap_or_default(),
            given => given.iter().map(|url| url.trim_end_matches('/').to_owned()).collect(),
        }
    }

    /// Whether they have to be asked for.
    pub(crate) fn are_given(&self) -> bool {
        !self.coordinator_url.is_empty()
    }

    /// The cluster, which is not yet reached for.
    pub(crate) async fn cluster(&self, data_dir: &Path) -> Result<Cluster, CommandError> {
        let overview = if self.are_given() { None } else { Some(status::overview(data_dir).await?) };
        let endpoints = self.endpoints(overview.as_ref());
        if endpoints.is_empty() {
            return Err(CoordinatorsError::None.into());
        }
        Ok(Cluster::new(Config::new(endpoints, &self.coordination_prefix)).map_err(CoordinatorsError::from)?)
    }
}

/// The URLs of a running shop's coordinators.
pub(crate) fn urls(overview: &Overview) -> Vec<String> {
    overview.endpoints.coordinators.iter().map(|address| format!("http://{address}")).collect()
}
