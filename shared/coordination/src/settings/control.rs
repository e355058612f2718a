//! Setting settings, and who has.

use etcd_client::{Compare, CompareOp, GetOptions, KeyValue, SortOrder, SortTarget, Txn, TxnOp};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    DEFINITIONS, HISTORY, VALUES,
    definition::{Definition, Refusal},
};
use crate::{CallError, Name, cluster::Cluster};

/// All settings of all services.
#[derive(Debug, Clone)]
pub struct Control {
    cluster: Cluster,
}

/// A change of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Whoever made it, as they call themselves.
    pub who: String,
    /// When, by the clock of whoever made it. The order of changes is that of the cluster, not of this.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The value before; `None` for the default.
    pub from: Option<String>,
    /// The value since; `None` for the default.
    pub to: Option<String>,
}

/// Which settings there are, for whoever asked for another.
fn there_are(known: &[String]) -> String {
    match known {
        [] => "no service has published settings yet".to_owned(),
        known => format!("there are: {}", known.join(", ")),
    }
}

/// A setting that was not set.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// No service has published it.
    #[error("no service has a setting {name}; {}", there_are(.known))]
    Undefined {
        /// What was asked for.
        name: Name,
        /// What there is.
        known: Vec<String>,
    },
    /// Its definition does not allow the value.
    #[error("{name}: {refusal}")]
    Refused {
        /// The setting.
        name: Name,
        /// What it takes.
        refusal: Refusal,
    },
    /// The cluster. Whether it is set is not known.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What is stored can't be read.
    #[error("what is stored of {name} can't be read: {source}")]
    Broken {
        /// The setting.
        name: Name,
        /// Why.
        source: serde_json::Error,
    },
}

/// A setting as it is stored.
#[derive(Debug, Default)]
struct Stored {
    value: Option<String>,
    mod_revision: i64,
}

impl Control {
    /// The settings of a cluster.
    pub fn new(cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone() }
    }

    /// Everything that services have published, by name; what can't be read is left out, with a warning.
    ///
    /// # Errors
    /// No coordinator answered, or they refuse.
    pub async fn definitions(&self) -> Result<Vec<Definition>, CallError> {
        let all = GetOptions::new().with_prefix();
        let answer = self.cluster.get(&self.cluster.keys(DEFINITIONS), Some(all)).await?;
        let read = |kv: &KeyValue| {
            let key = String::from_utf8_lossy(kv.key());
            serde_json::from_slice(kv.value()).inspect_err(|error| tracing::warn!(%key, %error, "no definition")).ok()
        };
        Ok(answer.kvs().iter().filter_map(read).collect())
    }

    /// What is stored of a setting, allowed or not; `None` for the default.
    ///
    /// # Errors
    /// No coordinator answered, or they refuse.
    pub async fn value(&self, name: &Name) -> Result<Option<String>, CallError> {
        Ok(self.stored(name).await?.value)
    }

    /// Sets a setting, or gives it back its default with `None`, and writes down who did: both or neither, and once. What
    /// was set.
    ///
    /// # Errors
    /// It is not defined, the value is not allowed, or no coordinator answers.
    pub async fn set(&self, name: &Name, value: Option<&str>, who: &str) -> Result<Change, SetError> {
        let mut defined = self.check(name, value).await?;
        let at = OffsetDateTime::now_utc();
        let record = self.record(name, at);
        loop {
            let before = self.stored(name).await?;
            let to = value.map(str::to_owned);
            let change = Change { who: who.to_owned(), at, from: before.value.clone(), to };
            if self.write(name, &change, &record, defined, before.mod_revision).await? {
                return Ok(change);
            }
            // Refused: an attempt before, without an answer, was carried out; or somebody else set or defined it since.
            if let Some(kv) = self.cluster.get(&record, None).await?.kvs().first() {
                return change_of(name, kv);
            }
            defined = self.check(name, value).await?;
        }
    }

    /// All changes of a setting, the oldest first.
    ///
    /// # Errors
    /// No coordinator answers, or a change can't be read.
    pub async fn history(&self, name: &Name) -> Result<Vec<Change>, SetError> {
        let all = GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend);
        let answer = self.cluster.get(&self.cluster.key(HISTORY, name, "/"), Some(all)).await?;
        answer.kvs().iter().map(|kv| change_of(name, kv)).collect()
    }

    /// The key of a change: no other change has it, and keys sort by time as well as clocks agree.
    fn record(&self, name: &Name, at: OffsetDateTime) -> String {
        let milliseconds = at.unix_timestamp_nanos() / 1_000_000;
        self.cluster.key(HISTORY, name, &format!("/{milliseconds:015}-{:016x}", rand::random::<u64>()))
    }

    /// Checks a value; the revision of the definition it was checked against.
    async fn check(&self, name: &Name, value: Option<&str>) -> Result<i64, SetError> {
        let answer = self.cluster.get(&self.cluster.key(DEFINITIONS, name, ""), None).await?;
        let Some(kv) = answer.kvs().first() else {
            let known = self.definitions().await?.iter().map(|known| known.name.to_string()).collect();
            return Err(SetError::Undefined { name: name.clone(), known });
        };
        let read = serde_json::from_slice::<Definition>(kv.value());
        let definition = read.map_err(|source| SetError::Broken { name: name.clone(), source })?;
        let checked = value.map_or(Ok(()), |value| definition.kind.check(value));
        checked.map_err(|refusal| SetError::Refused { name: name.clone(), refusal })?;
        Ok(kv.mod_revision())
    }

    async fn stored(&self, name: &Name) -> Result<Stored, CallError> {
        let answer = self.cluster.get(&self.cluster.key(VALUES, name, ""), None).await?;
        let read = |kv: &KeyValue| {
            let value = Some(String::from_utf8_lossy(kv.value()).into_owned());
            Stored { value, mod_revision: kv.mod_revision() }
        };
        Ok(answer.kvs().first().map(read).unwrap_or_default())
    }

    /// Writes value and record if neither value nor definition have changed and the record is not there.
    async fn write(
        &self,
        name: &Name,
        change: &Change,
        record: &str,
        defined: i64,
        before: i64,
    ) -> Result<bool, SetError> {
        let key = self.cluster.key(VALUES, name, "");
        let json = serde_json::to_vec(change).map_err(|source| SetError::Broken { name: name.clone(), source })?;
        let unchanged = [
            Compare::mod_revision(key.as_str(), CompareOp::Equal, before),
            Compare::mod_revision(self.cluster.key(DEFINITIONS, name, ""), CompareOp::Equal, defined),
            Compare::create_revision(record, CompareOp::Equal, 0),
        ];
        let set = match &change.to {
            Some(value) => TxnOp::put(key, value.as_str(), None),
            None => TxnOp::delete(key, None),
        };
        let txn = Txn::new().when(unchanged).and_then([set, TxnOp::put(record, json, None)]);
        Ok(self.cluster.txn(&txn).await?.succeeded())
    }
}

fn change_of(name: &Name, kv: &KeyValue) -> Result<Change, SetError> {
    serde_json::from_slice(kv.value()).map_err(|source| SetError::Broken { name: name.clone(), source })
}
