//! Settings as they change.

use std::{collections::BTreeMap, path::Path};

use coordination::{
    Name,
    feed::{Change, Feed, Update},
    settings::Control,
};

use super::{Common, definition, definitions};
use crate::{CommandError, output};

/// What the keys of values begin with, behind the shop's prefix.
const VALUES: &str = "settings/";

/// Show settings, and every change as it happens, until Ctrl-C
#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// Which; all of them if it isn't named
    #[arg(value_name = "NAME")]
    name: Option<Name>,

    #[command(flatten)]
    common: Common,
}

/// What was last shown of each setting; `None` for the default.
type Known = BTreeMap<String, Option<String>>;

impl Watch {
    pub(super) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let cluster = self.common.coordinators.cluster(data_dir).await?;
        let control = Control::new(&cluster);
        let defined = match &self.name {
            Some(name) => vec![definition(&control, name).await?],
            None => definitions(&control).await?,
        };
        let defaults: BTreeMap<_, _> =
            defined.into_iter().map(|definition| (definition.name.to_string(), definition.default)).collect();
        let (mut feed, mut known) = (Feed::new(&cluster, VALUES), Known::new());
        loop {
            for (name, value) in told(feed.next().await, &defaults) {
                if self.name.as_ref().is_none_or(|wanted| wanted.as_str() == name)
                    && known.insert(name.clone(), value.clone()).as_ref() != Some(&value)
                {
                    self.show(&name, value.as_deref(), defaults.get(&name).map(String::as_str))?;
                }
            }
        }
    }

    fn show(&self, name: &str, value: Option<&str>, default: Option<&str>) -> Result<(), CommandError> {
        if self.common.json {
            let object = serde_json::json!({ "name": name, "value": value.or(default), "is_set": value.is_some() });
            output::line(object)?;
            return Ok(());
        }
        match value {
            Some(value) => output::line(format_args!("{name} = {value}"))?,
            None => output::line(format_args!("{name} = {} (default)", default.unwrap_or("its")))?,
        }
        Ok(())
    }
}

/// What an update tells of each setting. A list tells of all: those that are not on it have their default.
fn told(update: Update, defaults: &BTreeMap<String, String>) -> Vec<(String, Option<String>)> {
    let text = |value: Vec<u8>| Some(String::from_utf8_lossy(&value).into_owned());
    match update {
        Update::List(entries) => {
            let mut all: Known = defaults.keys().map(|name| (name.clone(), None)).collect();
            all.extend(entries.into_iter().map(|entry| (entry.key, text(entry.value))));
            all.into_iter().collect()
        }
        Update::Changes(changes) => {
            let told = changes.into_iter().map(|change| match change {
                Change::Put(entry) => (entry.key, text(entry.value)),
                Change::Delete { key, .. } => (key, None),
            });
            told.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use coordination::feed::Entry;

    use super::*;

    fn entry(key: &str, value: &str) -> Entry {
        Entry { key: key.to_owned(), value: value.as_bytes().to_vec(), create_revision: 1, mod_revision: 1 }
    }

    #[test]
    fn a_list_tells_of_defaults_too() {
        let defaults = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
        let all = told(Update::List(vec![entry("b", "7")]), &defaults);
        assert_eq!(all, [("a".to_owned(), None), ("b".to_owned(), Some("7".to_owned()))]);
        let deleted = Change::Delete { key: "b".to_owned(), revision: 3 };
        let changed = told(Update::Changes(vec![Change::Put(entry("a", "4")), deleted]), &defaults);
        assert_eq!(changed, [("a".to_owned(), Some("4".to_owned())), ("b".to_owned(), None)]);
    }
}
