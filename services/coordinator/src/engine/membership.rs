//! Changes of the members, refused where they would endanger the quorum. The rules are etcd's strict ones,
//! as release 3.6.16 has them.

use std::time::{Duration, Instant};

use consensus::{
    api::{
        etcdserverpb::Member,
        logpb::{MemberChange, member_change::Kind},
    },
    node::{Progress, Refusal},
};

use super::{Engine, Input, MembershipError, MoveLeaderError};
use crate::peers::{Asked, Refused, Told};

/// How long members must have been connected to count as healthy.
const HEALTHY: Duration = Duration::from_secs(5);
/// A learner must have this many hundredths of the leader's log to become a voter.
const CAUGHT_UP: u64 = 90;
/// The pause before a leader that could not be asked is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

impl Engine {
    /// Adds, promotes, updates or removes a member, after etcd's checks for a quorum that stays. Returns all members.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn change_members(&self, change: MemberChange) -> Result<Vec<Member>, MembershipError> {
        self.shared.check_backlog().map_err(|()| MembershipError::TooManyRequests)?;
        let id = change.member.as_ref().map_or(0, |member| member.id);
        match change.kind() {
            Kind::Promote => return self.promote(id).await,
            Kind::Add => self.may_add(true)?,
            Kind::AddLearner => self.may_add(false)?,
            Kind::Remove => self.may_remove(id)?,
            Kind::Update => {}
        }
        self.replicate_change(change).await
    }

    async fn replicate_change(&self, change: MemberChange) -> Result<Vec<Member>, MembershipError> {
        let members = self.ask(|caller| Input::Change(change, Instant::now(), caller)).await;
        members.unwrap_or(Err(MembershipError::Stopped))
    }

    /// Promotes at the leader, which alone knows how far the learner is.
    async fn promote(&self, id: u64) -> Result<Vec<Member>, MembershipError> {
        let deadline = Instant::now() + self.limits().request_timeout;
        loop {
            let leader = self.await_leader(deadline).await.map_err(|_| MembershipError::Timeout)?;
            if leader == self.identity().member_id {
                if let Some(members) = self.promote_here(id).await? {
                    return Ok(members);
                }
            } else if let Some(members) = self.promote_there(leader, id, deadline).await? {
                return Ok(members);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// `None` when this member does not lead.
    pub(crate) async fn promote_here(&self, id: u64) -> Result<Option<Vec<Member>>, MembershipError> {
        let progress = self.ask(Input::Progress).await.ok_or(MembershipError::Stopped)?;
        if progress.is_empty() {
            return Ok(None);
        }
        self.is_caught_up(&progress, id)?;
        if self.limits().strict_reconfiguration && !self.keeps_started_quorum(|_| true, 1) {
            return Err(MembershipError::NotEnoughStarted);
        }
        let member = Some(Member { id, ..Member::default() });
        let change = MemberChange { kind: Kind::Promote.into(), member, ..MemberChange::default() };
        self.replicate_change(change).await.map(Some)
    }

    async fn promote_there(
        &self,
        leader: u64,
        id: u64,
        deadline: Instant,
    ) -> Result<Option<Vec<Member>>, MembershipError> {
        let asking = self.shared.peers.ask(leader, Asked::Promote(id));
        let told = tokio::time::timeout_at(deadline.into(), asking).await.map_err(|_| MembershipError::Timeout)?;
        match told {
            Some(Told::Members(told)) => Ok(Some(told.members)),
            Some(Told::Refused(refused)) => {
                let refused = Refused::try_from(refused).unwrap_or(Refused::NotNow);
                refused.to_membership().map_or(Ok(None), Err)
            }
            _ => Ok(None),
        }
    }

    fn is_caught_up(&self, progress: &[Progress], id: u64) -> Result<(), MembershipError> {
        let matched = |id| progress.iter().find(|progress| progress.id == id).map(|progress| progress.matched);
        let learner = matched(id).ok_or(Refusal::NotFound)?;
        let leader = matched(self.identity().member_id).unwrap_or_default();
        // Hundredths, in numbers that a log of any length leaves room for.
        if u128::from(learner) * 100 < u128::from(leader) * u128::from(CAUGHT_UP) {
            tracing::warn!(learner, leader, "rejecting promote learner: learner is not ready");
            return Err(MembershipError::LearnerNotReady);
        }
        Ok(())
    }

    fn may_add(&self, voter: bool) -> Result<(), MembershipError> {
        if !self.limits().strict_reconfiguration {
            return Ok(());
        }
        if voter && !self.may_grow() {
            tracing::warn!("rejecting member add request; not enough healthy members");
            return Err(MembershipError::NotEnoughStarted);
        }
        let Some(since) = Instant::now().checked_sub(HEALTHY) else { return Ok(()) };
        let (connected, voters) = self.shared.connected_voters(since);
        // The new member counts as one that isn't there.
        if voters != 1 && connected < voters.div_ceil(2) + 1 {
            tracing::warn!(connected, voters, "rejecting member add request; too few members have been connected");
            return Err(MembershipError::Unhealthy);
        }
        Ok(())
    }

    /// Whether those who have started are a quorum still when there is one more, who hasn't.
    fn may_grow(&self) -> bool {
        let (started, voters) = self.started_voters(|_| true);
        started == 1 && voters == 1 || started > voters.div_ceil(2)
    }

    fn may_remove(&self, id: u64) -> Result<(), MembershipError> {
        if !self.limits().strict_reconfiguration
            || self.store().members().get(id).is_some_and(|member| member.is_learner)
        {
            return Ok(());
        }
        if !self.keeps_started_quorum(|member| member.id != id, 0) {
            tracing::warn!("rejecting member remove request; not enough healthy members");
            return Err(MembershipError::NotEnoughStarted);
        }
        // Who is down already is no loss.
        if id != self.identity().member_id && self.shared.peers.connected_since(id).is_none() {
            return Ok(());
        }
        let Some(since) = Instant::now().checked_sub(HEALTHY) else { return Ok(()) };
        let (connected, voters) = self.shared.connected_voters(since);
        if connected.saturating_sub(1) < 1 + voters.saturating_sub(1) / 2 {
            tracing::warn!(connected, voters, "rejecting member remove request; too few members have been connected");
            return Err(MembershipError::Unhealthy);
        }
        Ok(())
    }

    /// Whether of the voters that `count`, and `more` that have started, a quorum has started.
    fn keeps_started_quorum(&self, count: impl Fn(&Member) -> bool, more: usize) -> bool {
        let (started, voters) = self.started_voters(count);
        started + more > (voters + more) / 2
    }

    /// How many voters have told their name, and how many there are.
    fn started_voters(&self, count: impl Fn(&Member) -> bool) -> (usize, usize) {
        let store = self.store();
        let voters = store.members().iter().filter(|member| !member.is_learner && count(member));
        (voters.clone().filter(|member| !member.name.is_empty()).count(), voters.count())
    }

    /// Hands the leadership to another voter and waits until it leads. Only on the leader.
    ///
    /// # Errors
    /// See [`MoveLeaderError`].
    pub async fn move_leader(&self, target: u64) -> Result<(), MoveLeaderError> {
        let own = self.identity().member_id;
        if self.status().leader != own {
            return Err(MoveLeaderError::NotLeader);
        }
        if self.store().members().get(target).is_none_or(|member| member.is_learner) {
            return Err(MoveLeaderError::BadTransferee);
        }
        self.transfer(target, self.limits().request_timeout).await
    }

    async fn transfer(&self, target: u64, patience: Duration) -> Result<(), MoveLeaderError> {
        tracing::info!(to = %format_args!("{target:x}"), "leadership transfer starting");
        self.inputs().send(Input::Transfer(target)).map_err(|_| MoveLeaderError::Stopped)?;
        let mut leadership = self.leadership();
        let moved = leadership.wait_for(|leadership| leadership.status.leader == target);
        match tokio::time::timeout(patience, moved).await {
            Ok(Ok(_)) => {
                tracing::info!(to = %format_args!("{target:x}"), "leadership transfer finished");
                Ok(())
            }
            Ok(Err(_)) => Err(MoveLeaderError::Stopped),
            Err(_) => Err(MoveLeaderError::Timeout),
        }
    }

    /// Hands the leadership to the voter that is furthest, so that the cluster need not notice that this member ends.
    ///
    /// # Errors
    /// When nobody took it within `patience`.
    pub async fn resign(&self, patience: Duration) -> Result<(), MoveLeaderError> {
        let own = self.identity().member_id;
        let progress = self.ask(Input::Progress).await.ok_or(MoveLeaderError::Stopped)?;
        let voters: Vec<u64> =
            self.store().members().iter().filter(|member| !member.is_learner).map(|member| member.id).collect();
        let others = progress.iter().filter(|progress| progress.id != own && voters.contains(&progress.id));
        let Some(furthest) = others.filter(|progress| progress.active).max_by_key(|progress| progress.matched) else {
            tracing::info!("skipped leadership transfer; nobody else can take it");
            return Ok(());
        };
        self.transfer(furthest.id, patience).await
    }
}
