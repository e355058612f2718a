//! Three members, each behind a proxy for its peers.

use std::time::Duration;

use consensus::api::etcdserverpb::{HashKvRequest, RangeRequest, StatusRequest};
use coordinator::proto::etcdserverpb::{kv_client::KvClient, maintenance_client::MaintenanceClient};
use tokio::time::{interval, timeout};
use tonic::{
    Response,
    transport::{Channel, Endpoint},
};

use super::links::Links;
use crate::member::{Member, PATIENCE, Place};

/// How often it is looked whether something is so by now.
const LOOK: Duration = Duration::from_millis(10);
/// How long a member has to tell its state when it is well.
const ANSWER: Duration = Duration::from_secs(1);

pub(super) struct Cluster {
    pub(super) links: Links,
    members: Vec<Option<Member>>,
    /// Their identifiers.
    ids: Vec<u64>,
    channels: Vec<Channel>,
    places: [Place; 3],
    flags: &'static [&'static str],
    _folder: tempfile::TempDir,
}

impl Cluster {
    /// Three that run, and agree on a leader.
    pub(super) async fn start(flags: &'static [&'static str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = ["a", "b", "c"].map(|name| Place::new(&folder, name));
        let links = Links::open(&places).await;
        let channels = places.iter().map(channel).collect();
        let members = Vec::from_iter(places.iter().map(|_| None));
        let mut cluster = Self { links, members, ids: Vec::new(), channels, places, flags, _folder: folder };
        cluster.all().for_each(|member| cluster.spawn(member));
        cluster.serving().await;
        for member in cluster.all() {
            let status = cluster.maintenance(member).status(StatusRequest::default()).await.unwrap().into_inner();
            cluster.ids.push(status.header.unwrap().member_id);
        }
        cluster
    }

    pub(super) fn all(&self) -> std::ops::Range<usize> {
        0..self.places.len()
    }

    /// A connection of its own to one member, made when it is first used, and again when it is lost.
    pub(super) fn connect(&self, member: usize) -> KvClient<Channel> {
        KvClient::new(channel(&self.places[member]))
    }

    /// Starts a member, on the data it has.
    pub(super) fn spawn(&mut self, member: usize) {
        let named = |number: usize| format!("{}={}", self.places[number].name, self.links.url(number));
        let cluster = format!("--initial-cluster={}", self.all().map(named).collect::<Vec<_>>().join(","));
        let own = format!("--initial-advertise-peer-urls={}", self.links.url(member));
        // Of a flag that is given twice the last counts.
        let flags = [&[&cluster, own.as_str()], self.flags].concat();
        self.members[member] = Some(self.places[member].start(&[], &flags));
    }

    /// Kills members (SIGKILL), and returns when they are gone.
    pub(super) fn kill(&mut self, members: &[usize]) {
        members.iter().for_each(|member| self.members[*member].take().unwrap().kill());
    }

    pub(super) fn pause(&self, member: usize) {
        self.members[member].as_ref().unwrap().pause();
    }

    pub(super) fn resume(&self, member: usize) {
        self.members[member].as_ref().unwrap().resume();
    }

    /// Lets a member be heard by nobody, or hear nobody, or both.
    pub(super) fn cut_off(&self, member: usize, speaks: bool, hears: bool) {
        for other in self.all().filter(|other| *other != member) {
            if !speaks {
                self.links.cut(self.ids[member], self.ids[other]);
            }
            if !hears {
                self.links.cut(self.ids[other], self.ids[member]);
            }
        }
    }

    /// Who leads, when somebody does.
    pub(super) async fn leader(&self) -> usize {
        let leader = until(async || {
            let mut leaders = Vec::new();
            for member in self.all() {
                let mut maintenance = self.maintenance(member);
                if let Ok(Ok(status)) = timeout(ANSWER, maintenance.status(StatusRequest::default())).await {
                    let status = status.into_inner();
                    leaders.push((status.raft_term, (status.leader == self.ids[member]).then_some(member)));
                }
            }
            leaders.into_iter().max()?.1
        });
        leader.await.expect("somebody leads")
    }

    /// Waits until a quorum can be reached through every member.
    pub(super) async fn serving(&mut self) {
        for member in self.all() {
            let answered = until(async || {
                let mut kv = KvClient::new(self.channels[member].clone());
                let request = RangeRequest { key: "any".into(), ..RangeRequest::default() };
                timeout(ANSWER, kv.range(request)).await.ok()?.ok()
            });
            if answered.await.is_none() {
                self.show().await;
                panic!("member {member} does not serve after {PATIENCE:?}");
            }
        }
    }

    /// What the members say of themselves, for whoever looks into a failure.
    pub(super) async fn show(&mut self) {
        for member in self.all() {
            let status = timeout(ANSWER, self.maintenance(member).status(StatusRequest::default())).await;
            println!("member {member}: {:?}", status.map(|status| status.map(Response::into_inner)));
            let events = self.members[member].as_mut().map(|member| member.last_events(40));
            events.into_iter().flatten().for_each(|event| println!("  {event}"));
        }
    }

    /// The hash of all a member holds at a revision.
    pub(super) async fn hash_kv(&self, member: usize, revision: i64) -> u32 {
        let answer = self.maintenance(member).hash_kv(HashKvRequest { revision }).await.unwrap().into_inner();
        assert_eq!(answer.hash_revision, revision);
        answer.hash
    }

    fn maintenance(&self, member: usize) -> MaintenanceClient<Channel> {
        MaintenanceClient::new(self.channels[member].clone())
    }
}

fn channel(place: &Place) -> Channel {
    Endpoint::from_shared(place.client_url()).unwrap().connect_lazy()
}

async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let found = async {
        let mut pace = interval(LOOK);
        loop {
            pace.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    timeout(PATIENCE, found).await.ok()
}
