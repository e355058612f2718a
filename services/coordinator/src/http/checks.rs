//! Whether a member is well, as etcd's probes ask it.

use consensus::api::etcdserverpb::{AlarmType, RangeRequest};

use super::endpoints::Query;
use crate::engine::{Engine, ReadError};

/// Why a member isn't.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwell {
    #[error("ALARM {0}")]
    Alarm(&'static str),
    #[error("DISK FULL")]
    DiskFull,
    #[error("RAFT NO LEADER")]
    NoLeader,
    #[error("RANGE ERROR:{0}")]
    Range(ReadError),
    #[error("alarm activated: {0}")]
    Activated(&'static str),
    #[error("range error: {0}")]
    Read(ReadError),
    #[error("local member is a learner")]
    Learner,
}

/// The names of the checks behind `/livez` or `/readyz`.
pub(super) fn of(root: &str) -> &'static [&'static str] {
    match root {
        "livez" => &["serializable_read"],
        _ => &["data_corruption", "linearizable_read", "non_learner", "serializable_read"],
    }
}

/// One check by its name.
pub(super) async fn run(engine: &Engine, name: &str) -> Result<(), Unwell> {
    match name {
        "data_corruption" => match alarm(engine, |alarm| alarm == AlarmType::Corrupt) {
            Some(alarm) => Err(Unwell::Activated(alarm)),
            None => Ok(()),
        },
        "linearizable_read" => engine.confirm_read().await.map_err(Unwell::Read),
        "non_learner" => {
            let own = engine.identity().member_id;
            match engine.store().members().get(own).is_some_and(|member| member.is_learner) {
                true => Err(Unwell::Learner),
                false => Ok(()),
            }
        }
        _ => {
            read(engine);
            Ok(())
        }
    }
}

/// The check behind `/health`.
pub(super) async fn health(engine: &Engine, query: &Query<'_>) -> Result<(), Unwell> {
    if let Some(alarm) = alarm(engine, |alarm| !query.has("exclude", alarm.as_str_name())) {
        return Err(Unwell::Alarm(alarm));
    }
    if engine.disk_is_full() {
        return Err(Unwell::DiskFull);
    }
    if !query.has("serializable", "true") {
        if engine.status().leader == 0 {
            return Err(Unwell::NoLeader);
        }
        engine.confirm_read().await.map_err(Unwell::Range)?;
    }
    read(engine);
    Ok(())
}

fn alarm(engine: &Engine, counts: impl Fn(AlarmType) -> bool) -> Option<&'static str> {
    let alarms = engine.store().alarms();
    alarms.iter().map(|member| member.alarm()).find(|alarm| counts(*alarm)).map(|alarm| alarm.as_str_name())
}

/// That the store can be read shows that nobody holds it for ever.
fn read(engine: &Engine) {
    let request = RangeRequest { key: vec![0].into(), limit: 1, keys_only: true, ..RangeRequest::default() };
    // The current revision can always be read.
    engine.store().range(&request).ok();
}
