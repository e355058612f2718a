//! `./plumbline settings`: what services can be set to while they run.

mod change;
mod show;
mod watch;

use std::path::Path;

use coordination::{
    CallError, Name,
    settings::{Control, Definition, SetError},
};

use self::{
    change::{Set, Unset},
    show::{Get, History, List},
    watch::Watch,
};
use crate::{CommandError, coordinators::Coordinators};

/// Show and change what services can be set to while they run
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Examples:
  ./plumbline settings list
  ./plumbline settings get NAME
  ./plumbline settings set NAME VALUE    every instance takes it at once; what is not allowed is refused
  ./plumbline settings unset NAME        back to the default
  ./plumbline settings history NAME      who changed it, when, from what to what
  ./plumbline settings watch             every change as it happens, until Ctrl-C")]
pub(crate) enum Settings {
    List(List),
    Get(Get),
    Set(Set),
    Unset(Unset),
    History(History),
    Watch(Watch),
}

impl Settings {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        match self {
            Self::List(list) => list.run(data_dir).await,
            Self::Get(get) => get.run(data_dir).await,
            Self::Set(set) => set.run(data_dir).await,
            Self::Unset(unset) => unset.run(data_dir).await,
            Self::History(history) => history.run(data_dir).await,
            Self::Watch(watch) => watch.run(data_dir).await,
        }
    }
}

/// What the commands have in common.
#[derive(Debug, clap::Args)]
struct Common {
    /// As JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    coordinators: Coordinators,
}

impl Common {
    async fn control(&self, data_dir: &Path) -> Result<Control, CommandError> {
        Ok(Control::new(&self.coordinators.cluster(data_dir).await?))
    }
}

/// All definitions, by name.
async fn definitions(control: &Control) -> Result<Vec<Definition>, CallError> {
    let mut all = control.definitions().await?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// The definition of a setting; what there is instead, when there is none.
pub(crate) async fn definition(control: &Control, name: &Name) -> Result<Definition, CommandError> {
    let mut all = definitions(control).await?;
    match all.iter().position(|definition| definition.name == *name) {
        Some(place) => Ok(all.swap_remove(place)),
        None => {
            let known = all.into_iter().map(|definition| definition.name.to_string()).collect();
            Err(SetError::Undefined { name: name.clone(), known }.into())
        }
    }
}
