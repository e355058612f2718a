//! Who leads, and since when.

use std::time::Instant;

use consensus::node::Status;

/// Where this member stands, and what it has seen of leaders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leadership {
    /// The member's status.
    pub status: Status,
    /// When the last leader was elected, as far as this member knows. Another may have been lost since.
    pub leader_since: Option<Instant>,
    /// Since when there is no leader; `None` while there is one.
    pub leaderless_since: Option<Instant>,
    /// How many leaders this member has seen begin.
    pub changes: u64,
}

impl Leadership {
    pub(super) fn new(status: Status) -> Self {
        Self { status, leaderless_since: Some(Instant::now()), ..Self::default() }
    }

    /// Takes the newest status. True when the leader, the term or the role changed.
    pub(super) fn follow(&mut self, status: Status) -> bool {
        let role = |status: &Status| {
            let Status { term, leader, is_leader, is_voter, removed, .. } = *status;
            (term, leader, is_leader, is_voter, removed)
        };
        let before = std::mem::replace(&mut self.status, status);
        if role(&before) == role(&status) {
            return false;
        }
        if status.leader == 0 {
            self.leaderless_since = self.leaderless_since.or_else(|| Some(Instant::now()));
        } else if status.leader != before.leader {
            self.leader_since = Some(Instant::now());
            self.leaderless_since = None;
            self.changes += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_leaders_and_knows_since_when_there_is_none() {
        let mut leadership = Leadership::new(Status::default());
        assert!(leadership.leaderless_since.is_some());
        let led = Status { term: 2, leader: 7, ..Status::default() };
        assert!(leadership.follow(led));
        assert!(leadership.leaderless_since.is_none() && leadership.leader_since.is_some());
        assert!(!leadership.follow(Status { applied: 9, ..led }), "nothing but progress");
        assert!(leadership.follow(Status { leader: 0, ..led }));
        assert!(leadership.leaderless_since.is_some() && leadership.leader_since.is_some());
        assert!(leadership.follow(led));
        assert_eq!(leadership.changes, 2);
    }
}
