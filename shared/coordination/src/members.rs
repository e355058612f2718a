//! The members of the cluster, and how each of them does.
//!
//! Every endpoint is asked by itself, over etcd's Maintenance and Cluster API: so one that is down keeps no other from
//! answering, and members are shown also while they have no leader.

use std::{collections::BTreeMap, error::Error as _, iter, time::Duration};

use etcd_client::{Client, ConnectOptions, Error, StatusResponse};
use tokio::{task::JoinSet, time::timeout};

use crate::cluster::{Cluster, Fault};

/// A member of the cluster.
#[derive(Debug)]
pub struct Member {
    /// Its number; `None` of an endpoint that does not answer and that no other member tells of.
    pub id: Option<u64>,
    /// Its name; empty while no member that answers tells it.
    pub name: String,
    /// Where it was asked: an endpoint of the [`Cluster`]'s, else the address that it has told the others.
    pub endpoint: String,
    /// Whether it is still learning, without a vote.
    pub learner: bool,
    /// What it says of itself, or why it says nothing.
    pub report: Result<Report, Silence>,
}

/// Why a member says nothing.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    /// It was added to the cluster, and has not been started since.
    #[error("it has never told where it serves clients")]
    NeverStarted,
    /// It does not answer.
    #[error("{}", cause(.0))]
    Fault(#[from] Fault),
}

/// What is at the bottom of a fault, in one line: gRPC's own words tell how an error travelled.
fn cause(fault: &Fault) -> String {
    let Fault::Client(Error::GRpcStatus(status)) = fault else { return fault.to_string() };
    let last = iter::successors(status.source(), |&error| error.source()).last();
    last.map_or_else(|| status.message().to_owned(), ToString::to_string)
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The version it runs.
    pub version: String,
    /// The number of the leader it follows, its own where it leads; `None` while there is none.
    pub leader: Option<u64>,
    /// Raft's term.
    pub term: u64,
    /// The revision of the store.
    pub revision: i64,
    /// The last entry that is known to be committed.
    pub raft_index: u64,
    /// The last entry that is applied to the store.
    pub applied_index: u64,
    /// What the store takes, in bytes.
    pub size: u64,
    /// What of it is in use, in bytes.
    pub size_in_use: u64,
    /// What is wrong with it, in its own words: an alarm, no leader.
    pub errors: Vec<String>,
}

/// What a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It leads.
    Leader,
    /// It follows, or waits for a leader.
    Follower,
    /// It has no vote yet.
    Learner,
    /// It does not answer.
    Down,
}

impl Role {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Learner => "learner",
            Self::Down => "down",
        }
    }
}

impl Member {
    /// What it does.
    pub fn role(&self) -> Role {
        match &self.report {
            Err(_) => Role::Down,
            Ok(report) if report.leader.is_some() && report.leader == self.id => Role::Leader,
            Ok(_) if self.learner => Role::Learner,
            Ok(_) => Role::Follower,
        }
    }
}

/// How many entries a member's store is behind what the leader knows to be committed; `None` when one of them does not
/// answer, or there is no leader. Members are not asked at one instant: under load some entries are no lag.
pub fn lag(members: &[Member], member: &Member) -> Option<u64> {
    let leader = members.iter().find(|member| member.role() == Role::Leader)?;
    let (leader, own) = (leader.report.as_ref().ok()?, member.report.as_ref().ok()?);
    Some(leader.raft_index.saturating_sub(own.applied_index))
}

/// All members, by name; of those that do not answer what the others tell. While none answers there is one for each
/// endpoint.
///
/// Takes no longer than two attempts ([`Config::request_timeout`](crate::Config::request_timeout)), as all endpoints are
/// asked at once.
pub async fn members(cluster: &Cluster) -> Vec<Member> {
    let config = cluster.config();
    let asking = Asking { attempt: config.request_timeout, connect: config.connect_timeout };
    let mut answers = asking.all(config.endpoints.iter().cloned()).await;
    // As any member that answers knows them.
    let known = answers.iter_mut().find_map(|(_, answer)| Some(std::mem::take(&mut answer.as_mut().ok()?.known)));
    let Some(known) = known.filter(|known| !known.is_empty()) else {
        return answers.into_iter().map(|(endpoint, answer)| Member::unknown(endpoint, answer)).collect();
    };
    let strangers = known.iter().filter(|known| place(&answers, known).is_none());
    // Under the address it has told the others, where no endpoint was given for it.
    let told: Vec<_> = strangers.filter_map(|known| known.urls.first().cloned()).collect();
    answers.extend(asking.all(told.into_iter()).await);
    let mut members: Vec<_> = known.into_iter().map(|known| known.with(&mut answers)).collect();
    members.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    members
}

type Answers = BTreeMap<String, Result<Answer, Fault>>;

/// What an endpoint says.
#[derive(Debug)]
struct Answer {
    id: u64,
    report: Report,
    known: Vec<Known>,
}

/// A member as the members know it.
#[derive(Debug)]
struct Known {
    id: u64,
    name: String,
    urls: Vec<String>,
    learner: bool,
}

/// The endpoint at which a member was asked: where it answered, else one of its own that did not.
fn place(answers: &Answers, known: &Known) -> Option<String> {
    let answered = |answer: &Result<Answer, Fault>| answer.as_ref().is_ok_and(|answer| answer.id == known.id);
    let silent = |url: &&String| answers.get(*url).is_some_and(Result::is_err);
    let found = answers.iter().find(|(_, answer)| answered(answer)).map(|(endpoint, _)| endpoint);
    found.or_else(|| known.urls.iter().find(silent)).cloned()
}

impl Known {
    fn with(self, answers: &mut Answers) -> Member {
        let endpoint = place(answers, &self);
        let answer = endpoint.as_ref().and_then(|endpoint| answers.remove(endpoint));
        let never = Err(Silence::NeverStarted);
        let report = answer.map_or(never, |answer| Ok(answer?.report));
        let endpoint = endpoint.or_else(|| self.urls.into_iter().next()).unwrap_or_default();
        Member { id: Some(self.id), name: self.name, endpoint, learner: self.learner, report }
    }
}

impl Member {
    /// Of an endpoint alone.
    fn unknown(endpoint: String, answer: Result<Answer, Fault>) -> Self {
        let id = answer.as_ref().ok().map(|answer| answer.id);
        let report = answer.map(|answer| answer.report).map_err(Silence::from);
        Self { id, name: String::new(), endpoint, learner: false, report }
    }
}

/// How endpoints are asked.
#[derive(Debug, Clone, Copy)]
struct Asking {
    attempt: Duration,
    connect: Duration,
}

impl Asking {
    async fn all(self, endpoints: impl Iterator<Item = String>) -> Answers {
        let mut tasks = JoinSet::new();
        for endpoint in endpoints {
            tasks.spawn(async move {
                let answer = timeout(self.attempt, self.one(&endpoint)).await;
                (endpoint, answer.map_or(Err(Fault::TimedOut(self.attempt)), |answer| answer.map_err(Fault::from)))
            });
        }
        tasks.join_all().await.into_iter().collect()
    }

    /// Without asking for a leader, which [`Cluster`] does: a member that has none is to say so.
    async fn one(self, endpoint: &str) -> Result<Answer, Error> {
        let options = ConnectOptions::new().with_connect_timeout(self.connect);
        let mut client = Client::connect([endpoint], Some(options)).await?;
        let status = client.status().await?;
        let list = client.member_list().await?;
        let known = list.members().iter().map(|member| Known {
            id: member.id(),
            name: member.name().to_owned(),
            urls: member.client_urls().to_vec(),
            learner: member.is_learner(),
        });
        let id = status.header().map_or(0, |header| header.member_id());
        Ok(Answer { id, report: Report::read(&status), known: known.collect() })
    }
}

impl Report {
    fn read(status: &StatusResponse) -> Self {
        let bytes = |size: i64| u64::try_from(size).unwrap_or(0);
        Self {
            version: status.version().to_owned(),
            leader: Some(status.leader()).filter(|leader| *leader != 0),
            term: status.raft_term(),
            revision: status.header().map_or(0, |header| header.revision()),
            raft_index: status.raft_index(),
            applied_index: status.raft_applied_index(),
            size: bytes(status.db_size()),
            size_in_use: bytes(status.raft_used_db_size()),
            errors: status.errors().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: u64, leader: Option<u64>, applied: u64) -> Member {
        let report = Report {
            version: String::new(),
            leader,
            term: 2,
            revision: 1,
            raft_index: applied,
            applied_index: applied,
            size: 0,
            size_in_use: 0,
            errors: Vec::new(),
        };
        Member { id: Some(id), name: String::new(), endpoint: String::new(), learner: false, report: Ok(report) }
    }

    #[test]
    fn lag_is_behind_the_leader_and_unknown_without_one() {
        let led = [member(1, Some(1), 9), member(2, Some(1), 7), member(3, Some(1), 10)];
        assert_eq!(led.each_ref().map(|member| lag(&led, member)), [Some(0), Some(2), Some(0)]);
        let leaderless = [member(1, None, 9), member(2, None, 7)];
        assert_eq!(leaderless.each_ref().map(|member| lag(&leaderless, member)), [None, None]);
    }

    #[test]
    fn an_answer_from_another_place_than_told_is_the_members() {
        let known = |id: u64| {
            let urls = vec![format!("http://coordinator-{id}:2379")];
            Known { id, name: format!("coordinator-{id}"), urls, learner: false }
        };
        let report = member(1, Some(1), 9).report.unwrap_or_else(|_| unreachable!("it is made of a report"));
        let answer = Answer { id: 1, report, known: Vec::new() };
        let mut answers = Answers::from([
            ("http://127.0.0.1:8091".to_owned(), Ok(answer)),
            ("http://127.0.0.1:8092".to_owned(), Err(Fault::TimedOut(Duration::ZERO))),
        ]);
        let first = known(1).with(&mut answers);
        assert_eq!((first.endpoint.as_str(), first.role()), ("http://127.0.0.1:8091", Role::Leader));
        let second = known(2).with(&mut answers);
        assert_eq!((second.endpoint.as_str(), second.role()), ("http://coordinator-2:2379", Role::Down));
    }
}
