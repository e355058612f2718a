//! What servers stand on.

use std::sync::Arc;

use super::{config::Config, error::StartError, site::Site};
use crate::{
    account::{self, Account},
    install::{InstallError, Programs},
};

/// The programs, the account that servers run as, and the folder. Apart from starting servers, so that others can start in
/// the same folder at the same time.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(super) programs: Programs,
    pub(super) account: Option<Account>,
    pub(crate) site: Arc<Site>,
}

impl Ground {
    /// Finds the programs and takes the folder.
    pub(crate) fn take(config: &Config) -> Result<Self, StartError> {
        let programs = Programs::find(&config.set).map_err(InstallError::Missing)?;
        let account = account::unprivileged().map_err(InstallError::from)?;
        let site = Arc::new(Site::take(&config.data, account.as_ref())?);
        Ok(Self { programs, account, site })
    }
}
