//! Settings as they are, and as they were.

use std::path::Path;

use coordination::{
    Name,
    settings::{Change, Control, Definition, Refusal},
};
use futures::future;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::{Common, definition, definitions};
use crate::{
    CommandError,
    output::{self, Tone},
    table::{Cell, Table},
};

/// What stands for a value that nobody has set.
const DEFAULT: &str = "default";

/// Show every setting: its value, its default and what it takes
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    common: Common,
}

/// Show one setting
#[derive(Debug, clap::Args)]
pub(crate) struct Get {
    /// Which
    #[arg(value_name = "NAME")]
    name: Name,

    #[command(flatten)]
    common: Common,
}

/// Show every change of a setting, the oldest first
#[derive(Debug, clap::Args)]
pub(crate) struct History {
    /// Which
    #[arg(value_name = "NAME")]
    name: Name,

    #[command(flatten)]
    common: Common,
}

/// A setting as it is.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    definition: Definition,
    /// What it is set to, else the default.
    value: String,
    /// Whether somebody has set it.
    is_set: bool,
    /// Why services do not take what it is set to, if they don't: it was set past the command, or allowed once.
    refusal: Option<String>,
}

impl Shown {
    fn new(definition: Definition, stored: Option<String>) -> Self {
        let refusal = stored.as_deref().and_then(|value| definition.kind.check(value).err());
        let refusal = refusal.as_ref().map(Refusal::to_string);
        let is_set = stored.is_some();
        let value = stored.unwrap_or_else(|| definition.default.clone());
        Self { definition, value, is_set, refusal }
    }

    async fn read(control: &Control, definition: Definition) -> Result<Self, CommandError> {
        let stored = control.value(&definition.name).await?;
        Ok(Self::new(definition, stored))
    }

    /// What it takes, with its unit.
    fn takes(&self) -> String {
        let Definition { kind, unit, .. } = &self.definition;
        if unit.is_empty() { kind.allowed() } else { format!("{} ({unit})", kind.allowed()) }
    }

    fn tone(&self) -> Tone {
        match (&self.refusal, self.is_set) {
            (Some(_), _) => Tone::Bad,
            (None, true) => Tone::Good,
            (None, false) => Tone::Plain,
        }
    }
}

impl List {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let control = self.common.control(data_dir).await?;
        let all = definitions(&control).await?;
        let all = future::try_join_all(all.into_iter().map(|definition| Shown::read(&control, definition))).await?;
        if self.common.json {
            output::line(serde_json::to_string_pretty(&all)?)?;
        } else if all.is_empty() {
            output::line("no service has published settings yet")?;
        } else {
            output::line(table(&all).render(output::colour()))?;
        }
        Ok(())
    }
}

fn table(all: &[Shown]) -> Table {
    let mut table = Table::new(["NAME", "VALUE", "DEFAULT", "TAKES", ""].map(Cell::text));
    for shown in all {
        table.row([
            Cell::text(&shown.definition.name),
            Cell::text(&shown.value).toned(shown.tone()),
            Cell::text(&shown.definition.default),
            Cell::text(shown.takes()),
            Cell::text(&shown.definition.help).toned(Tone::Faint),
        ]);
    }
    table
}

impl Get {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let control = self.common.control(data_dir).await?;
        let shown = Shown::read(&control, definition(&control, &self.name).await?).await?;
        if self.common.json {
            output::line(serde_json::to_string_pretty(&shown)?)?;
            return Ok(());
        }
        let value = shown.tone().paint(&shown.value, output::colour());
        output::line(format_args!("{} = {value}", shown.definition.name))?;
        output::line(format_args!("  default  {}", shown.definition.default))?;
        output::line(format_args!("  takes    {}", shown.takes()))?;
        output::line(format_args!("  {}", shown.definition.help))?;
        if let Some(refusal) = &shown.refusal {
            output::line(format_args!("  services keep the value before: {refusal}"))?;
        }
        Ok(())
    }
}

impl History {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let control = self.common.control(data_dir).await?;
        let changes = control.history(&self.name).await?;
        if changes.is_empty() {
            // A name that nothing has is a mistake; a setting that nobody has changed is none.
            definition(&control, &self.name).await?;
        }
        if self.common.json {
            output::line(serde_json::to_string_pretty(&changes)?)?;
        } else if changes.is_empty() {
            output::line(format_args!("nobody has changed {}", self.name))?;
        } else {
            output::line(history(&changes).render(output::colour()))?;
        }
        Ok(())
    }
}

fn history(changes: &[Change]) -> Table {
    let mut table = Table::new(["AT", "WHO", "FROM", "TO"].map(Cell::text));
    for change in changes {
        let at = change.at.format(&Rfc3339).unwrap_or_else(|_| change.at.to_string());
        let value = |value: &Option<String>| Cell::text(value.as_deref().unwrap_or(DEFAULT));
        table.row([Cell::text(at), Cell::text(&change.who), value(&change.from), value(&change.to)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use coordination::settings::Kind;

    use super::*;

    #[test]
    fn a_stored_value_that_is_not_allowed_is_shown_as_such() {
        let name = Name::literal("order.relay.batch");
        let kind = Kind::Integer { least: 1, most: 9 };
        let definition = Definition { name, kind, default: "5".into(), unit: "orders".into(), help: String::new() };
        let shown = Shown::new(definition.clone(), Some("many".to_owned()));
        assert_eq!((shown.value.as_str(), shown.is_set), ("many", true));
        assert!(shown.refusal.is_some_and(|refusal| refusal.contains("1 to 9")));
        let unset = Shown::new(definition, None);
        assert_eq!((unset.value.as_str(), unset.is_set, unset.refusal.as_ref()), ("5", false, None));
        assert_eq!(unset.takes(), "a whole number from 1 to 9 (orders)");
    }
}
