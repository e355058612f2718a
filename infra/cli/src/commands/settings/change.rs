//! Changing settings.

use std::path::Path;

use coordination::{Name, settings::Change};
use nix::unistd::{Uid, User};

use super::{Common, definition};
use crate::{CommandError, output};

/// Set a setting; every instance takes it at once
#[derive(Debug, clap::Args)]
pub(crate) struct Set {
    /// Which
    #[arg(value_name = "NAME")]
    name: Name,

    /// What to; `settings list` tells what it takes
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    value: String,

    #[command(flatten)]
    author: Author,

    #[command(flatten)]
    common: Common,
}

/// Give a setting back its default
#[derive(Debug, clap::Args)]
pub(crate) struct Unset {
    /// Which
    #[arg(value_name = "NAME")]
    name: Name,

    #[command(flatten)]
    author: Author,

    #[command(flatten)]
    common: Common,
}

/// Who changes it.
#[derive(Debug, clap::Args)]
struct Author {
    /// Who is written down as having changed it; this user if it isn't given
    #[arg(long = "as", value_name = "WHO")]
    who: Option<String>,
}

impl Author {
    fn name(&self) -> String {
        let user = || {
            let uid = Uid::current();
            User::from_uid(uid).ok().flatten().map_or_else(|| format!("user {uid}"), |user| user.name)
        };
        self.who.clone().unwrap_or_else(user)
    }
}

impl Set {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        change(data_dir, &self.common, &self.name, Some(&self.value), &self.author).await
    }
}

impl Unset {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        change(data_dir, &self.common, &self.name, None, &self.author).await
    }
}

async fn change(
    data_dir: &Path,
    common: &Common,
    name: &Name,
    value: Option<&str>,
    author: &Author,
) -> Result<(), CommandError> {
    let control = common.control(data_dir).await?;
    let change = control.set(name, value, &author.name()).await?;
    if common.json {
        output::line(serde_json::to_string_pretty(&change)?)?;
        return Ok(());
    }
    let default = definition(&control, name).await?.default;
    let Change { from, to, .. } = &change;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| format!("{default} (default)"));
    output::line(format_args!("{name}: {} → {}", text(from), text(to)))?;
    Ok(())
}
