//! Changes of the list of members, checked where they are applied, against what every member then has.

use prost::Message as _;
use raft::{
    StateRole,
    eraftpb::{ConfChangeSingle, ConfChangeType, ConfChangeV2},
};

use super::{Answer, Node, read, write};
use crate::{
    api::{
        etcdserverpb::Member,
        logpb::{MemberChange, member_change::Kind},
    },
    store::Store,
};

/// Learners a cluster has at most, as etcd's default has it.
const LEARNERS: usize = 1;

/// Why a change of the members was refused. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another member has this identifier.
    #[error("member ID already exist")]
    IdExists,
    /// Another member has one of these peer addresses.
    #[error("Peer URLs already exists")]
    PeerUrlExists,
    /// No member has this identifier.
    #[error("member not found")]
    NotFound,
    /// The member was removed; its identifier never comes back.
    #[error("the member has been permanently removed from the cluster")]
    Removed,
    /// Only a learner can be promoted.
    #[error("can only promote a learner member")]
    NotLearner,
    /// No more learners at a time.
    #[error("too many learner members in cluster")]
    TooManyLearners,
    /// Another change is on its way; try again when it is applied.
    #[error("another change of the members is on its way")]
    InProgress,
}

impl Node {
    pub(super) fn hand_over_changes(&mut self) {
        while self.raw.raft.leader_id != 0 {
            let Some(change) = self.changes.pop_front() else { return };
            let context = change.encode_to_vec();
            if let Err(error) = self.raw.propose_conf_change(context, to_raft(&change)) {
                tracing::debug!(%error, "raft refused a change of the members");
                self.answer_change(change.number, Err(Refusal::InProgress));
            }
        }
    }

    pub(super) fn apply_change(&mut self, change: ConfChangeV2) {
        let decoded = MemberChange::decode(change.context.as_slice()).ok().filter(|change| change.member.is_some());
        let Some(described) = decoded else {
            // Raft itself proposes the end of a joint configuration.
            self.configure(&change);
            return;
        };
        let refusal = refusal(&described, &read(&self.store));
        let outcome = match refusal {
            Some(refusal) => Err(refusal),
            None => {
                write(&self.store).change_members(&described);
                self.configure(&change);
                Ok(self.members())
            }
        };
        if described.origin == self.config.id && described.boot == self.config.boot {
            self.answer_change(described.number, outcome);
        }
    }

    fn configure(&mut self, change: &ConfChangeV2) {
        match self.raw.apply_conf_change(change) {
            Ok(conf_state) => self.conf_state = conf_state,
            Err(error) => tracing::error!(%error, "raft refused a committed change of the members"),
        }
        let own = self.config.id;
        self.removed = read(&self.store).members().is_removed(own);
        self.outlet.role = true;
        self.step_down_unless_voter();
        self.replace_removed_leader();
    }

    /// A leader that is no voter any more must not go on: raft keeps no progress of it, and panics when its next write is
    /// done. The others see to it that one of them leads, see [`Node::replace_removed_leader`].
    fn step_down_unless_voter(&mut self) {
        let raft = &mut self.raw.raft;
        if raft.state == StateRole::Leader && !raft.prs().conf().voters().contains(self.config.id) {
            let term = raft.term;
            raft.become_follower(term, raft::INVALID_ID);
        }
    }

    fn answer_change(&mut self, number: u64, outcome: Result<Vec<Member>, Refusal>) {
        if let Some(call) = self.batches.changed(number) {
            self.outlet.answers.push(Answer::Changed(call, outcome));
        }
    }

    fn members(&self) -> Vec<Member> {
        read(&self.store).members().iter().cloned().collect()
    }
}

fn to_raft(change: &MemberChange) -> ConfChangeV2 {
    let id = change.member.as_ref().map_or(0, |member| member.id);
    let kind = match (change.kind(), change.member.as_ref().is_some_and(|member| member.is_learner)) {
        (Kind::AddLearner, _) | (Kind::Update, true) => ConfChangeType::AddLearnerNode,
        // An update tells raft what it knows: a change without any step would mean the end of a joint configuration.
        (Kind::Add | Kind::Promote | Kind::Update, _) => ConfChangeType::AddNode,
        (Kind::Remove, _) => ConfChangeType::RemoveNode,
    };
    let step = ConfChangeSingle { change_type: kind.into(), node_id: id };
    ConfChangeV2 { changes: vec![step], context: change.encode_to_vec(), ..ConfChangeV2::default() }
}

fn refusal(change: &MemberChange, store: &Store) -> Option<Refusal> {
    let members = store.members();
    let changed = change.member.as_ref()?;
    if members.is_removed(changed.id) {
        return Some(Refusal::Removed);
    }
    let known = members.get(changed.id);
    let claims = |other: &Member| other.peer_ur_ls.iter().any(|url| changed.peer_ur_ls.contains(url));
    let taken = || members.iter().any(|member| member.id != changed.id && claims(member));
    let full = || members.iter().filter(|member| member.is_learner).count() >= LEARNERS;
    match (change.kind(), known) {
        (Kind::Add | Kind::AddLearner, Some(_)) => Some(Refusal::IdExists),
        (Kind::Add | Kind::AddLearner, None) if taken() => Some(Refusal::PeerUrlExists),
        (Kind::AddLearner, None) if full() => Some(Refusal::TooManyLearners),
        (Kind::Add | Kind::AddLearner, None) => None,
        (_, None) => Some(Refusal::NotFound),
        (Kind::Promote, Some(member)) if !member.is_learner => Some(Refusal::NotLearner),
        (Kind::Update, Some(_)) if taken() => Some(Refusal::PeerUrlExists),
        (Kind::Promote | Kind::Update | Kind::Remove, Some(_)) => None,
    }
}
