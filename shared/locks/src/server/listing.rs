//! Which keys are locked on a server.

use std::{collections::BTreeSet, time::Duration};

use ::redis::{Pipeline, pipe};

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
            let found: Vec<(Option<String>, i64)> = pairs(self.0.connection.ask(&look(some)).await?);
            let keys = some.iter().filter_map(|name| name.strip_prefix(&prefix));
            listed.extend(keys.zip(found).filter_map(|(key, (value, left))| Listed::new(key, &value?, left)));
        }
        Ok(listed)
    }
}

impl Listed {
    /// `None` if it has just ended.
    fn new(key: &str, value: &str, left: i64) -> Option<Self> {
        let mut parts = value.splitn(3, ' ').skip(1);
        let token = parts.next().and_then(Token::parse);
        let label = parts.next().and_then(Label::parse);
        let left = match left {
            -2 => return None,
            left => u64::try_from(left).ok().map(Duration::from_millis),
        };
        Some(Self { key: key.to_owned(), token, label, left })
    }
}

fn look(names: &[String]) -> Pipeline {
    let mut look = pipe();
    for name in names {
        look.get(name).pttl(name);
    }
    look
}

/// What was asked by twos.
fn pairs(answers: Vec<::redis::Value>) -> Vec<(Option<String>, i64)> {
    let pair = |pair: &[::redis::Value]| {
        let [value, left] = pair else { return (None, -2) };
        let value = ::redis::from_redis_value_ref(value).unwrap_or_default();
        (value, ::redis::from_redis_value_ref(left).unwrap_or(-2))
    };
    answers.chunks(2).map(pair).collect()
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
