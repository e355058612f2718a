//! Settings of a running shop that are set for as long as something takes, and then set back.

use std::path::Path;

use coordination::{
    Name,
    settings::{Control, SetError},
};

use crate::{
    CommandError,
    coordinators::{Coordinators, CoordinatorsError},
};

/// Settings, and what they were before.
pub(crate) struct Borrowed {
    /// `None` where the shop has no coordinators.
    control: Option<Control>,
    who: &'static str,
    before: Vec<(Name, Option<String>)>,
}

impl Borrowed {
    /// Those of a shop. `who` is written down as having changed them.
    ///
    /// # Errors
    /// The shop can't be asked.
    pub(crate) async fn at(
        coordinators: &Coordinators,
        data_dir: &Path,
        who: &'static str,
    ) -> Result<Self, CommandError> {
        let control = match coordinators.cluster(data_dir).await {
            Ok(cluster) => Some(Control::new(&cluster)),
            Err(CommandError::NoCoordinators(CoordinatorsError::None)) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { control, who, before: Vec::new() })
    }

    /// Sets one; `false` where the shop has no such setting.
    ///
    /// # Errors
    /// The coordinators don't answer, or the value is not allowed.
    pub(crate) async fn set(&mut self, name: &Name, value: &str) -> Result<bool, CommandError> {
        let Some(control) = &self.control else { return Ok(false) };
        match control.set(name, Some(value), self.who).await {
            Ok(change) => {
                if self.before.iter().all(|(known, _)| known != name) {
                    self.before.push((name.clone(), change.from));
                }
                Ok(true)
            }
            Err(SetError::Undefined { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Sets everything back to what it was.
    ///
    /// # Errors
    /// The coordinators don't answer.
    pub(crate) async fn give_back(self) -> Result<(), CommandError> {
        let Some(control) = &self.control else { return Ok(()) };
        for (name, value) in &self.before {
            control.set(name, value.as_deref(), self.who).await?;
        }
        Ok(())
    }
}

/// Waits for something, unless Ctrl-C ends it: then what was changed for it can be set back.
///
/// # Errors
/// Ctrl-C.
pub(crate) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, CommandError> {
    tokio::select! {
        done = work => Ok(done),
        _ = tokio::signal::ctrl_c() => Err(CommandError::Interrupted),
    }
}
