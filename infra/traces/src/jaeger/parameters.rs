//! What is asked for, out of a query.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use super::{duration, error::ApiError};
use crate::{http::Query, store::Search};

/// Traces that can be asked for at once.
pub(super) const MOST: usize = 10_000;
/// Traces that are returned unless more are asked for.
const LIMIT: usize = 100;
/// How far back is searched, unless it is said.
const LOOKBACK: Duration = Duration::from_secs(2 * 24 * 3_600);
/// How far back dependencies are looked for, unless it is said.
const DEPENDENCIES_LOOKBACK: Duration = Duration::from_secs(24 * 3_600);
/// Spans of the machine's near future are found: clocks differ.
const AHEAD: Duration = Duration::from_secs(60);

/// A stretch of time; nanoseconds since 1970.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) start: u64,
    pub(super) end: u64,
}

pub(super) fn search(query: &Query) -> Result<Search, ApiError> {
    let stretch = stretch(query)?;
    let tags = tags(query)?;
    let limit = limit(query)?;
    let shortest = duration_of(query, "minDuration")?;
    let longest = duration_of(query, "maxDuration")?.filter(|longest| *longest > 0);
    let service = query.get("service").ok_or(ApiError::Required("service"))?;
    if longest.is_some_and(|longest| longest < shortest.unwrap_or(0)) {
        return Err(ApiError::Durations);
    }
    Ok(Search {
        service: service.to_owned(),
        operation: query.get("operation").map(str::to_owned),
        tags,
        start: stretch.start,
        end: stretch.end,
        shortest: shortest.unwrap_or(0),
        longest: longest.unwrap_or(u64::MAX),
        limit,
    })
}

/// Microseconds in `start` and `end`. Without a start it is `lookback` before the end, which Jaeger's page sends beside
/// both, and which may be a word there.
fn stretch(query: &Query) -> Result<Stretch, ApiError> {
    let end = time(query, "end", 1_000)?.unwrap_or_else(|| now() + nanoseconds(AHEAD));
    let lookback = query.get("lookback").and_then(|text| duration::read(text).ok());
    let start = time(query, "start", 1_000)?;
    let start = start.unwrap_or_else(|| end.saturating_sub(lookback.unwrap_or(nanoseconds(LOOKBACK))));
    Ok(Stretch { start, end })
}

/// Milliseconds in `endTs` and `lookback`.
pub(super) fn dependencies(query: &Query) -> Result<Stretch, ApiError> {
    let end = time(query, "endTs", 1_000_000)?.unwrap_or_else(|| now() + nanoseconds(AHEAD));
    let lookback = time(query, "lookback", 1_000_000)?.unwrap_or(nanoseconds(DEPENDENCIES_LOOKBACK));
    Ok(Stretch { start: end.saturating_sub(lookback), end })
}

fn time(query: &Query, name: &'static str, unit: u64) -> Result<Option<u64>, ApiError> {
    let Some(text) = query.get(name) else { return Ok(None) };
    match text.parse::<i64>() {
        // Before 1970 there are no spans.
        Ok(number) => Ok(Some((number.max(0) as u64).saturating_mul(unit))),
        Err(_) => Err(ApiError::Parameter { name, fault: no_number(text) }),
    }
}

fn duration_of(query: &Query, name: &'static str) -> Result<Option<u64>, ApiError> {
    let read = |text| duration::read(text).map_err(|fault| ApiError::Parameter { name, fault });
    query.get(name).map(read).transpose()
}

fn limit(query: &Query) -> Result<usize, ApiError> {
    let Some(text) = query.get("limit") else { return Ok(LIMIT) };
    let limit: i64 = text.parse().map_err(|_| ApiError::Id(no_number(text)))?;
    usize::try_from(limit).ok().filter(|limit| (1..=MOST).contains(limit)).ok_or(ApiError::Limit(limit))
}

/// `tag=key:value` any number of times, and `tags={"key":"value"}`.
fn tags(query: &Query) -> Result<Vec<(String, String)>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in query.all("tag") {
        let (key, value) = tag.split_once(':').ok_or_else(|| ApiError::Tag(tag.to_owned()))?;
        tags.insert(key.to_owned(), value.to_owned());
    }
    for json in query.all("tags").filter(|json| !json.is_empty()) {
        let more: Option<BTreeMap<String, String>> = serde_json::from_str(json).map_err(ApiError::Tags)?;
        tags.extend(more.unwrap_or_default());
    }
    Ok(tags.into_iter().collect())
}

fn no_number(text: &str) -> String {
    format!("strconv.ParseInt: parsing {text:?}: invalid syntax")
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, nanoseconds)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
