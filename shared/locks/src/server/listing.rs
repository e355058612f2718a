//! Which keys are locked on a server.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ::redis::{Value, from_redis_value_ref, pipe};

use super::{KEYS, Server, ServerError};
use crate::{Token, label::Label};

/// How many keys a server looks at before it answers somebody else.
const STEP: usize = 1_000;

/// A key that is locked.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) token: Option<Token>,
    pub(crate) label: Option<Label>,
    /// `None` of one that never ends, which no script here makes.
    pub(crate) left: Option<Duration>,
    /// The holders that wait, in their order.
    pub(crate) waiting: Vec<String>,
}

impl Server {
    /// Every key that is locked, sorted. Those taken or given back meanwhile may be missing.
    pub(crate) async fn locked(&self) -> Result<Vec<Listed>, ServerError> {
        let prefix = format!("{}{KEYS}", self.0.prefix);
        let pattern = format!("{}*", literal(&prefix));
        let (mut cursor, mut names) = (0u64, BTreeSet::new());
        loop {
            let mut scan = pipe();
            scan.cmd("SCAN").arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP);
            let ((next, found),): ((u64, Vec<String>),) = self.0.connection.ask(&scan).await?;
            names.extend(found);
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        let names: Vec<String> = names.into_iter().collect();
        let mut listed = Vec::with_capacity(names.len());
        for some in names.chunks(STEP) {
            let keys: Vec<&str> = some.iter().filter_map(|name| name.strip_prefix(&prefix)).collect();
            listed.extend(self.look_at(&keys).await?);
        }
        Ok(listed)
    }

    async fn look_at(&self, keys: &[&str]) -> Result<Vec<Listed>, ServerError> {
        let prefix = &self.0.prefix;
        let mut look = pipe();
        for key in keys {
            let name = format!("{prefix}{KEYS}{key}");
            look.get(&name).pttl(&name).zrange(format!("{prefix}line:{key}"), 0, -1);
        }
        let answers: Vec<Value> = self.0.connection.ask(&look).await?;
        let listed =
            keys.iter().zip(answers.chunks(3)).filter_map(|(key, answers)| Listed::new(key, answers).transpose());
        let mut listed: Vec<Listed> = listed.collect::<Result<_, _>>()?;
        self.name_those_who_wait(&mut listed).await?;
        Ok(listed)
    }

    async fn name_those_who_wait(&self, listed: &mut [Listed]) -> Result<(), ServerError> {
        let owners: BTreeSet<String> = listed.iter().flat_map(|key| key.waiting.iter().cloned()).collect();
        if owners.is_empty() {
            return Ok(());
        }
        let mut look = pipe();
        for owner in &owners {
            look.get(format!("{}waiter:{owner}", self.0.prefix));
        }
        let labels: Vec<Option<String>> = self.0.connection.ask(&look).await?;
        let holders = labels.into_iter().map(|label| Label::parse(&label?).map(|label| label.holder));
        let holders: BTreeMap<String, Option<String>> = owners.into_iter().zip(holders).collect();
        for key in listed {
            key.waiting = key.waiting.iter().filter_map(|owner| holders.get(owner)?.clone()).collect();
        }
        Ok(())
    }
}

impl Listed {
    /// Of what stands there, how long it does, and who is in line, as owners. `None` if it has just ended.
    fn new(key: &str, answers: &[Value]) -> Result<Option<Self>, ServerError> {
        let [value, left, waiting] = answers else { return Err(ServerError::Answer(format!("{answers:?}"))) };
        let odd = |_| ServerError::Answer(format!("{answers:?}"));
        let Some(value) = from_redis_value_ref::<Option<String>>(value).map_err(odd)? else { return Ok(None) };
        let mut parts = value.splitn(3, ' ').skip(1);
        let token = parts.next().and_then(Token::parse);
        let label = parts.next().and_then(Label::parse);
        let left: i64 = from_redis_value_ref(left).map_err(odd)?;
        let left = u64::try_from(left).ok().map(Duration::from_millis);
        let waiting = from_redis_value_ref(waiting).map_err(odd)?;
        Ok(Some(Self { key: key.to_owned(), token, label, left, waiting }))
    }
}

/// What a pattern has to be for it to mean this and nothing else.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '\\' | '^' | '-') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}
