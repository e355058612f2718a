//! Which shop a command speaks to: the one on the data folder, or one that runs elsewhere on this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use driver::{InvalidToken, OperatorToken, TargetError, Targets};
use local::shop::Service;

use crate::{CommandError, commands::status, endpoints};

/// Where the token may stand instead of in a file.
const TOKEN_VARIABLE: &str = "PLUMBLINE_OPERATOR_TOKEN";

/// Which shop.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "A shop that runs elsewhere, for example in containers")]
pub(crate) struct Reach {
    /// Its order service; may be given for each instance
    #[arg(long, value_name = "URL", env = "PLUMBLINE_ORDER_URL", value_delimiter = ',')]
    order_url: Vec<String>,

    /// Its inventory service; may be given for each instance
    #[arg(long, value_name = "URL", env = "PLUMBLINE_INVENTORY_URL", value_delimiter = ',')]
    inventory_url: Vec<String>,

    /// The page where its traces are shown, such as Jaeger's
    #[arg(long, value_name = "URL", env = "PLUMBLINE_TRACES_URL")]
    traces_url: Option<String>,

    /// A file with its operator token, which also may stand in PLUMBLINE_OPERATOR_TOKEN
    #[arg(long, value_name = "FILE", env = "PLUMBLINE_OPERATOR_TOKEN_FILE")]
    operator_token_file: Option<PathBuf>,
}

/// The shop can't be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReachError {
    /// An address where no load may be sent.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The operator token's file.
    #[error("the operator token can't be read from {}: {source}", .file.display())]
    TokenFile {
        /// Which.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operator token.
    #[error(transparent)]
    Token(#[from] InvalidToken),
}

impl Reach {
    /// Whether another shop than the one on the data folder is meant.
    pub(crate) fn is_elsewhere(&self) -> bool {
        !self.order_url.is_empty()
    }

    /// The page where traces are shown, if the shop on the data folder has one.
    pub(crate) async fn traces(&self, data_dir: &Path) -> Option<String> {
        if let Some(url) = &self.traces_url {
            return Some(url.trim_end_matches('/').to_owned());
        }
        if self.is_elsewhere() {
            return None;
        }
        let address = status::overview(data_dir).await.ok()?.endpoints.traces?;
        Some(format!("http://{address}"))
    }

    /// Base URLs of the order service's instances; at least one.
    pub(crate) async fn order_urls(&self, data_dir: &Path) -> Result<Vec<String>, CommandError> {
        urls(&self.order_url, data_dir, Service::Order).await
    }

    /// The order service's instances, as targets of load.
    pub(crate) async fn orders(&self, data_dir: &Path) -> Result<Targets, CommandError> {
        Ok(Targets::parse(self.order_urls(data_dir).await?).map_err(ReachError::from)?)
    }

    /// The inventory service's instances, as targets of load.
    pub(crate) async fn inventory(&self, data_dir: &Path) -> Result<Targets, CommandError> {
        let urls = urls(&self.inventory_url, data_dir, Service::Inventory).await?;
        Ok(Targets::parse(urls).map_err(ReachError::from)?)
    }

    /// What changing products and stock needs.
    pub(crate) async fn operator_token(&self, data_dir: &Path) -> Result<OperatorToken, CommandError> {
        let text = match (&self.operator_token_file, std::env::var(TOKEN_VARIABLE)) {
            (Some(file), _) => read(file)?,
            (None, Ok(token)) => token,
            (None, Err(_)) => read(&status::overview(data_dir).await?.endpoints.operator_token)?,
        };
        Ok(OperatorToken::new(text.trim()).map_err(ReachError::from)?)
    }
}

async fn urls(given: &[String], data_dir: &Path, service: Service) -> Result<Vec<String>, CommandError> {
    if given.is_empty() {
        return Ok(endpoints::urls(&status::overview(data_dir).await?, service));
    }
    Ok(given.iter().map(|url| url.trim_end_matches('/').to_owned()).collect())
}

fn read(file: &Path) -> Result<String, ReachError> {
    fs::read_to_string(file).map_err(|source| ReachError::TokenFile { file: file.to_owned(), source })
}
