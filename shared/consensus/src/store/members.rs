//! Who belongs to the cluster.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::etcdserverpb::Member;
use crate::api::logpb::{MemberAttributes, MemberChange, member_change::Kind};

/// The cluster's members, and the identifiers that must never come back.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Members {
    present: BTreeMap<u64, Member>,
    removed: BTreeSet<u64>,
}

impl Members {
    pub(super) fn restore(members: &[Member], removed: &[u64]) -> Self {
        let present = members.iter().map(|member| (member.id, member.clone())).collect();
        Self { present, removed: removed.iter().copied().collect() }
    }

    /// All members, in the order of their identifiers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Member> + Clone {
        self.present.values()
    }

    /// One member.
    pub fn get(&self, id: u64) -> Option<&Member> {
        self.present.get(&id)
    }

    /// How many there are, learners among them.
    pub fn len(&self) -> usize {
        self.present.len()
    }

    /// Whether nobody has been added yet.
    pub fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// Whether a member with this identifier was removed, for good.
    pub fn is_removed(&self, id: u64) -> bool {
        self.removed.contains(&id)
    }

    /// The identifiers of all that were removed, ascending.
    pub fn removed(&self) -> impl ExactSizeIterator<Item = u64> + Clone {
        self.removed.iter().copied()
    }

    /// Applies a change that Raft has agreed on. Whoever was removed stays so.
    pub(super) fn change(&mut self, change: &MemberChange) {
        let Some(member) = &change.member else { return };
        if self.is_removed(member.id) {
            return;
        }
        match change.kind() {
            Kind::Add => drop(self.present.insert(member.id, Member { is_learner: false, ..member.clone() })),
            Kind::AddLearner => drop(self.present.insert(member.id, Member { is_learner: true, ..member.clone() })),
            Kind::Promote => self.edit(member.id, |known| known.is_learner = false),
            Kind::Update => self.edit(member.id, |known| known.peer_ur_ls.clone_from(&member.peer_ur_ls)),
            Kind::Remove => {
                self.present.remove(&member.id);
                self.removed.insert(member.id);
            }
        }
    }

    /// Notes what a member tells of itself.
    pub(super) fn describe(&mut self, attributes: MemberAttributes) {
        self.edit(attributes.id, |known| {
            known.name = attributes.name;
            known.client_ur_ls = attributes.client_urls;
        });
    }

    fn edit(&mut self, id: u64, edit: impl FnOnce(&mut Member)) {
        if let Some(member) = self.present.get_mut(&id) {
            edit(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(members: &mut Members, kind: Kind, id: u64, peer: &str) {
        let member = Member { id, peer_ur_ls: vec![peer.to_owned()], ..Member::default() };
        members.change(&MemberChange { kind: kind.into(), member: Some(member), ..MemberChange::default() });
    }

    #[test]
    fn a_learner_becomes_a_voter_and_keeps_what_it_told() {
        let mut members = Members::default();
        change(&mut members, Kind::AddLearner, 1, "http://a");
        assert!(members.get(1).unwrap().is_learner);
        members.describe(MemberAttributes { id: 1, name: "one".to_owned(), client_urls: vec!["http://c".to_owned()] });
        change(&mut members, Kind::Promote, 1, "ignored");
        change(&mut members, Kind::Update, 1, "http://b");
        let member = members.get(1).unwrap();
        assert!(!member.is_learner);
        assert_eq!((member.name.as_str(), member.peer_ur_ls[0].as_str()), ("one", "http://b"));
        assert_eq!(member.client_ur_ls, ["http://c"]);
    }

    #[test]
    fn who_was_removed_does_not_come_back() {
        let mut members = Members::default();
        change(&mut members, Kind::Add, 1, "http://a");
        change(&mut members, Kind::Add, 2, "http://b");
        change(&mut members, Kind::Remove, 1, "");
        change(&mut members, Kind::Add, 1, "http://a");
        members.describe(MemberAttributes { id: 1, name: "late".to_owned(), client_urls: Vec::new() });
        assert_eq!(members.iter().map(|member| member.id).collect::<Vec<_>>(), [2]);
        assert!(members.is_removed(1) && !members.is_removed(2));
        assert_eq!(members.len(), 1);
    }
}
