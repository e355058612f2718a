//! Alarms: states of a member that stop the cluster from taking more.

use std::collections::BTreeSet;

use crate::api::etcdserverpb::{AlarmMember, AlarmRequest, AlarmType, alarm_request::AlarmAction};

/// Active alarms: type and member.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Alarms(BTreeSet<(i32, u64)>);

impl Alarms {
    pub(super) fn is_active(&self, alarm: AlarmType) -> bool {
        let alarm = i32::from(alarm);
        self.0.range((alarm, 0)..=(alarm, u64::MAX)).next().is_some()
    }

    /// What a request concerns: all that it asks for, or the one it changed. None, where there was nothing to change.
    pub(super) fn apply(&mut self, request: &AlarmRequest) -> Vec<AlarmMember> {
        let one = (request.alarm, request.member_id);
        let concerned = match request.action() {
            AlarmAction::Get => return self.list(request.alarm()),
            AlarmAction::Activate if request.alarm() == AlarmType::None => false,
            // An alarm that was active already is shown as well.
            AlarmAction::Activate => {
                self.0.insert(one);
                true
            }
            AlarmAction::Deactivate => self.0.remove(&one),
        };
        concerned.then(|| member(&one)).into_iter().collect()
    }

    /// Active alarms of a type, or of all types.
    pub(super) fn list(&self, alarm: AlarmType) -> Vec<AlarmMember> {
        let asked = |(kind, _): &&(i32, u64)| alarm == AlarmType::None || *kind == i32::from(alarm);
        self.0.iter().filter(asked).map(member).collect()
    }

    pub(super) fn restore(alarms: &[AlarmMember]) -> Self {
        Self(alarms.iter().map(|alarm| (alarm.alarm, alarm.member_id)).collect())
    }
}

fn member(&(alarm, member_id): &(i32, u64)) -> AlarmMember {
    AlarmMember { member_id, alarm }
}
