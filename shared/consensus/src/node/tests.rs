//! Nodes that hand their messages to each other, with disks that write at once.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use raft::eraftpb::{ConfState, Entry, HardState, Message, MessageType, Snapshot, SnapshotMetadata};

use super::{Answer, Config, Confirmed, Node, Output, Recovered, Refusal, metadata};
use crate::{
    api::{
        etcdserverpb::{LeaseGrantRequest, Member, PutRequest, RangeRequest},
        logpb::{Command, MemberChange, command::Operation, member_change::Kind},
    },
    store::{self, Limits, Outcome, Restore, Store},
};

const TICK: u64 = 100_000_000;

struct Cluster {
    nodes: BTreeMap<u64, Node>,
    snapshots: BTreeMap<(u64, u64), Vec<Bytes>>,
    cut: BTreeSet<u64>,
    now: u64,
    calls: u64,
    answers: BTreeMap<u64, Result<Outcome, store::Error>>,
    changes: BTreeMap<u64, Result<Vec<Member>, Refusal>>,
    lost: BTreeSet<u64>,
    confirmed: BTreeMap<u64, Confirmed>,
    /// Messages of this kind are lost.
    lose: Option<MessageType>,
}

fn config(id: u64) -> Config {
    Config {
        id,
        cluster_id: 7,
        boot: 1,
        election_ticks: 10,
        heartbeat_ticks: 1,
        snapshot_entries: 20,
        snapshot_bytes: 1 << 20,
        catch_up_entries: 5,
        tail_bytes: 1 << 20,
        message_bytes: 1 << 20,
        batch_bytes: 1 << 16,
        seed: 42,
    }
}

fn member(id: u64) -> Member {
    Member { id, name: format!("n{id}"), peer_ur_ls: vec![format!("http://n{id}")], ..Member::default() }
}

fn bootstrap(ids: &[u64]) -> (Store, SnapshotMetadata) {
    let mut store = Store::new(Limits::default());
    for id in ids {
        let change = MemberChange { kind: Kind::Add.into(), member: Some(member(*id)), ..MemberChange::default() };
        store.change_members(&change);
    }
    let conf_state = ConfState { voters: ids.to_vec(), ..ConfState::default() };
    (store, SnapshotMetadata { conf_state: Some(conf_state), index: ids.len() as u64, term: 1 })
}

fn start(id: u64, ids: &[u64]) -> Node {
    let (store, snapshot) = bootstrap(ids);
    let term = u64::from(!ids.is_empty());
    let hard_state = HardState { term, vote: 0, commit: snapshot.index };
    Node::start(config(id), Recovered { store, snapshot, hard_state, entries: Vec::new() }, 0).unwrap()
}

impl Cluster {
    fn of(ids: &[u64]) -> Self {
        let nodes = ids.iter().map(|id| (*id, start(*id, ids))).collect();
        let mut cluster = Self {
            nodes,
            snapshots: BTreeMap::new(),
            cut: BTreeSet::new(),
            now: 0,
            calls: 0,
            answers: BTreeMap::new(),
            changes: BTreeMap::new(),
            lost: BTreeSet::new(),
            confirmed: BTreeMap::new(),
            lose: None,
        };
        cluster.until("a leader", |cluster| cluster.leader().is_some());
        cluster
    }

    fn leader(&self) -> Option<u64> {
        let leads = |(id, node): (&u64, &Node)| (node.status().is_leader && !self.cut.contains(id)).then_some(*id);
        self.nodes.iter().find_map(leads)
    }

    /// Ticks all nodes until the condition holds, 20 simulated seconds at most.
    fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        for _ in 0..200 {
            if condition(self) {
                return;
            }
            self.now += TICK;
            for node in self.nodes.values_mut() {
                node.tick(self.now);
            }
            self.deliver();
        }
        panic!("no {what}: {:?}", self.nodes.values().collect::<Vec<_>>());
    }

    /// Does what the nodes ask for until none asks for anything.
    fn deliver(&mut self) {
        loop {
            let outputs: Vec<_> = self.nodes.iter_mut().map(|(id, node)| (*id, node.advance())).collect();
            let mut rests = true;
            for (id, output) in outputs {
                rests &= output.messages.is_empty() && output.write.is_none();
                self.act(id, output);
            }
            if rests {
                return;
            }
        }
    }

    fn act(&mut self, id: u64, output: Output) {
        for answer in output.answers {
            match answer {
                Answer::Applied(call, outcome) => assert!(self.answers.insert(call, outcome).is_none()),
                Answer::Changed(call, outcome) => assert!(self.changes.insert(call, outcome).is_none()),
                Answer::Lost(call) => assert!(self.lost.insert(call)),
            }
        }
        self.confirmed.extend(output.confirmed.into_iter().map(|confirmed| (confirmed.call, confirmed)));
        let node = self.nodes.get_mut(&id).unwrap();
        if let Some((metadata, mut snapshot)) = output.save_snapshot {
            let mut store = node.store().write().unwrap();
            let chunks = std::iter::from_fn(|| store.snapshot_chunk(&mut snapshot, 100)).collect();
            self.snapshots.insert((metadata.index, metadata.term), chunks);
            store.end_snapshot(snapshot);
            drop(store);
            node.snapshot_saved(metadata);
        }
        if let Some(write) = output.write {
            node.persisted(write.number);
        }
        for message in output.messages {
            let cut = self.cut.contains(&message.from) || self.cut.contains(&message.to);
            if !cut && self.lose != Some(message.get_msg_type()) {
                self.pass(message);
            }
        }
    }

    fn pass(&mut self, message: Message) {
        let from = message.from;
        let Some(node) = self.nodes.get_mut(&message.to) else { return };
        if message.get_msg_type() != MessageType::MsgSnapshot {
            return node.receive(message);
        }
        let position = message.get_snapshot().get_metadata().clone();
        let bootstrapped = || bootstrap(&[1, 2, 3]).0;
        let store = match self.snapshots.get(&(position.index, position.term)) {
            None => bootstrapped(),
            Some(chunks) => {
                let mut restore = Restore::new(Limits::default());
                chunks.iter().for_each(|chunk| restore.push(chunk.clone()).unwrap());
                let (store, head) = restore.finish().unwrap();
                assert_eq!(metadata(&head), position);
                store
            }
        };
        let to = message.to;
        node.receive_snapshot(message, store);
        self.nodes.get_mut(&from).unwrap().snapshot_sent(to, true);
    }

    fn propose(&mut self, at: u64, operation: Operation) -> u64 {
        self.calls += 1;
        self.nodes.get_mut(&at).unwrap().propose([(self.calls, Command { operation: Some(operation) })]);
        self.deliver();
        self.calls
    }

    fn put(&mut self, at: u64, key: &str, value: &str) -> u64 {
        let (key, value) = (Bytes::from(key.to_owned()), Bytes::from(value.to_owned()));
        self.propose(at, Operation::Put(PutRequest { key, value, ..PutRequest::default() }))
    }

    fn read(&mut self, at: u64) -> u64 {
        self.calls += 1;
        self.nodes.get_mut(&at).unwrap().read(self.calls);
        self.deliver();
        self.calls
    }

    fn value(&self, at: u64, key: &str) -> Option<(Bytes, i64)> {
        let request = RangeRequest { key: Bytes::from(key.to_owned()), ..RangeRequest::default() };
        let response = self.nodes[&at].store().read().unwrap().range(&request).unwrap();
        response.kvs.into_iter().next().map(|kv| (kv.value, kv.version))
    }

    fn change(&mut self, at: u64, kind: Kind, member: Member) -> u64 {
        self.calls += 1;
        let change = MemberChange { kind: kind.into(), member: Some(member), ..MemberChange::default() };
        self.nodes.get_mut(&at).unwrap().change_members(self.calls, change);
        self.deliver();
        self.calls
    }

    fn follower(&self) -> u64 {
        let leader = self.leader().unwrap();
        *self.nodes.keys().find(|id| **id != leader).unwrap()
    }
}

#[test]
fn what_any_member_is_asked_every_member_has() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let follower = cluster.follower();
    let call = cluster.put(follower, "a", "1");
    assert!(matches!(cluster.answers[&call], Ok(Outcome::Put(_))));
    for id in [1, 2, 3] {
        let read = cluster.read(id);
        assert!(cluster.confirmed.contains_key(&read), "at {id}");
        assert_eq!(cluster.value(id, "a"), Some((Bytes::from("1"), 1)), "at {id}");
    }
}

#[test]
fn the_first_term_is_the_second_as_in_etcd() {
    let cluster = Cluster::of(&[1, 2, 3]);
    let status = cluster.nodes[&cluster.leader().unwrap()].status();
    assert_eq!((status.term, status.applied), (2, 4));
}

#[test]
fn a_single_member_needs_nobody() {
    let mut cluster = Cluster::of(&[1]);
    let (put, read) = (cluster.put(1, "a", "1"), cluster.read(1));
    assert!(cluster.answers[&put].is_ok() && cluster.confirmed.contains_key(&read));
}

#[test]
fn a_proposal_outlives_its_leader_and_is_applied_once() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let (old, follower) = (cluster.leader().unwrap(), cluster.follower());
    // The entry reaches the followers; that it is committed doesn't.
    cluster.lose = Some(MessageType::MsgAppendResponse);
    let call = cluster.put(follower, "a", "1");
    assert!(!cluster.answers.contains_key(&call));
    cluster.lose = None;
    cluster.cut.insert(old);
    cluster.until("answer of the new leader", |cluster| cluster.answers.contains_key(&call));
    cluster.cut.clear();
    cluster.until("old leader that follows", |cluster| cluster.value(old, "a").is_some());
    for id in [1, 2, 3] {
        assert_eq!(cluster.value(id, "a"), Some((Bytes::from("1"), 1)), "at {id}");
    }
}

#[test]
fn whoever_proposed_what_a_snapshot_stood_in_for_is_told() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let follower = cluster.follower();
    // It is forwarded, applied by the others and compacted, all while its proposer hears nothing.
    cluster.calls += 1;
    let (call, leader) = (cluster.calls, cluster.leader().unwrap());
    let put = PutRequest { key: Bytes::from("a"), ..PutRequest::default() };
    let node = cluster.nodes.get_mut(&follower).unwrap();
    node.propose([(call, Command { operation: Some(Operation::Put(put)) })]);
    let forwarded = node.advance().messages;
    cluster.cut.insert(follower);
    forwarded.into_iter().for_each(|message| cluster.pass(message));
    for n in 0..60 {
        cluster.put(leader, "b", &n.to_string());
    }
    assert_eq!(cluster.value(leader, "a"), Some((Bytes::new(), 1)));
    cluster.cut.clear();
    cluster.until("word of it", |cluster| cluster.lost.contains(&call));
    assert_eq!(cluster.value(follower, "a"), Some((Bytes::new(), 1)));
}

#[test]
fn a_forwarded_proposal_that_got_lost_is_sent_again() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    cluster.lose = Some(MessageType::MsgPropose);
    let call = cluster.put(cluster.follower(), "a", "1");
    assert!(!cluster.answers.contains_key(&call));
    cluster.lose = None;
    cluster.until("answer", |cluster| cluster.answers.contains_key(&call));
}

#[test]
fn no_read_is_confirmed_without_the_quorum() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let old = cluster.leader().unwrap();
    cluster.cut.insert(old);
    let read = cluster.read(old);
    cluster.until("new leader", |cluster| cluster.leader().is_some());
    let new = cluster.leader().unwrap();
    cluster.put(new, "a", "2");
    assert!(!cluster.confirmed.contains_key(&read));
    cluster.cut.clear();
    cluster.until("confirmation by the new leader", |cluster| cluster.confirmed.contains_key(&read));
    assert_eq!(cluster.value(old, "a"), Some((Bytes::from("2"), 1)));
}

#[test]
fn a_lease_ends_by_the_leader_s_clock_and_takes_its_keys() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let leader = cluster.leader().unwrap();
    cluster.propose(leader, Operation::LeaseGrant(LeaseGrantRequest { id: 9, ttl: 2 }));
    let put = PutRequest { key: Bytes::from("a"), lease: 9, ..PutRequest::default() };
    cluster.propose(leader, Operation::Put(put));
    let granted = cluster.now;
    cluster.until("half of the time", |cluster| cluster.now >= granted + 10 * TICK);
    cluster.nodes.get_mut(&leader).unwrap().keep_alive(1_000, 9);
    cluster.deliver();
    assert_eq!(cluster.confirmed[&1_000], Confirmed { call: 1_000, time_to_live: Some(2), led: true });
    let renewed = cluster.now;
    cluster.until("end of the lease", |cluster| cluster.value(leader, "a").is_none());
    assert!(cluster.now >= renewed + 20 * TICK, "after {} ticks", (cluster.now - renewed) / TICK);
    cluster.nodes.get_mut(&leader).unwrap().keep_alive(1_001, 9);
    cluster.deliver();
    assert_eq!(cluster.confirmed[&1_001].time_to_live, None);
}

#[test]
fn a_new_leader_gives_every_lease_its_whole_time() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let old = cluster.leader().unwrap();
    cluster.propose(old, Operation::LeaseGrant(LeaseGrantRequest { id: 9, ttl: 5 }));
    cluster.cut.insert(old);
    cluster.until("new leader", |cluster| cluster.leader().is_some());
    let new = cluster.leader().unwrap();
    cluster.deliver();
    assert!(cluster.nodes[&new].lease_remaining(9).unwrap() > 4_000_000_000);
    // The old leader's clock goes on, but what it proposes stays alone.
    let elected = cluster.now;
    cluster.until("end of the lease", |cluster| cluster.nodes[&new].store().read().unwrap().lease(9).is_none());
    assert!(cluster.now >= elected + 49 * TICK, "after {} ticks", (cluster.now - elected) / TICK);
}

#[test]
fn a_learner_catches_up_by_snapshot_and_becomes_a_voter() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let leader = cluster.leader().unwrap();
    for n in 0..60 {
        cluster.put(leader, "a", &n.to_string());
    }
    let learner = Member { is_learner: true, ..member(4) };
    let call = cluster.change(leader, Kind::AddLearner, learner.clone());
    assert_eq!(cluster.changes[&call].as_ref().unwrap().len(), 4);
    cluster.nodes.insert(4, start(4, &[]));
    cluster.until("copy at the learner", |cluster| cluster.value(4, "a") == Some((Bytes::from("59"), 60)));
    let call = cluster.change(leader, Kind::AddLearner, Member { is_learner: true, ..member(5) });
    assert_eq!(cluster.changes[&call], Err(Refusal::TooManyLearners));
    let call = cluster.change(leader, Kind::Promote, learner);
    assert!(cluster.changes[&call].is_ok());
    cluster.until("voter", |cluster| cluster.nodes[&4].status().is_voter);
    let hashes: BTreeSet<u32> = cluster.nodes.values().map(|node| node.store().read().unwrap().hash()).collect();
    assert_eq!(hashes.len(), 1);
}

#[test]
fn a_removed_member_knows_and_never_comes_back() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let (leader, gone) = (cluster.leader().unwrap(), cluster.follower());
    let call = cluster.change(leader, Kind::Remove, member(gone));
    assert_eq!(cluster.changes[&call].as_ref().unwrap().len(), 2);
    assert!(!cluster.nodes[&leader].status().removed);
    let call = cluster.change(leader, Kind::Add, member(gone));
    assert_eq!(cluster.changes[&call], Err(Refusal::Removed));
    let call = cluster.change(leader, Kind::Update, Member { id: 99, ..member(leader) });
    assert_eq!(cluster.changes[&call], Err(Refusal::NotFound));
    let taken = Member { id: leader, peer_ur_ls: vec!["http://elsewhere".to_owned()], ..member(leader) };
    let call = cluster.change(leader, Kind::Update, taken);
    assert!(cluster.changes[&call].is_ok());
}

#[test]
fn an_older_snapshot_that_comes_with_a_newer_one_is_of_no_use() {
    let mut joining = start(4, &[]);
    for index in [20, 10] {
        let (store, metadata) = bootstrap(&[1, 2, 3, 4]);
        let snapshot = Snapshot { metadata: Some(SnapshotMetadata { index, ..metadata }), ..Snapshot::default() };
        let message = Message { from: 1, to: 4, term: 2, snapshot: Some(snapshot), ..Message::default() };
        let message = Message { msg_type: MessageType::MsgSnapshot.into(), ..message };
        joining.receive_snapshot(message, store);
    }
    let write = joining.advance().write.unwrap();
    assert_eq!(write.snapshot.unwrap().index, 20);
    assert_eq!(joining.status().applied, 20);
}

#[test]
fn a_leader_can_remove_itself() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let leader = cluster.leader().unwrap();
    let call = cluster.change(leader, Kind::Remove, member(leader));
    assert_eq!(cluster.changes[&call].as_ref().unwrap().len(), 2);
    cluster.put(leader, "a", "nobody takes it from one that is no member");
    let gone = cluster.nodes.remove(&leader).unwrap();
    assert!(gone.status().removed && !gone.status().is_leader);
    assert!(cluster.leader().is_some(), "another leads without a tick of any clock");
    let call = cluster.put(cluster.leader().unwrap(), "a", "2");
    assert!(cluster.answers[&call].is_ok());
}

#[test]
fn a_leader_that_was_replaced_ends_no_lease_in_its_successor_s_name() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let old = cluster.leader().unwrap();
    cluster.propose(old, Operation::LeaseGrant(LeaseGrantRequest { id: 9, ttl: 2 }));
    // It stands still while another is elected.
    let mut stalled = cluster.nodes.remove(&old).unwrap();
    cluster.until("new leader", |cluster| cluster.leader().is_some());
    let new = cluster.leader().unwrap();
    let successor = cluster.nodes.get_mut(&new).unwrap();
    let told = loop {
        cluster.now += TICK;
        successor.tick(cluster.now);
        if let Some(message) = successor.advance().messages.into_iter().find(|message| message.to == old) {
            break message;
        }
    };
    stalled.receive(told);
    stalled.tick(cluster.now + 100 * TICK);
    let proposed =
        stalled.advance().messages.into_iter().filter(|message| message.get_msg_type() == MessageType::MsgPropose);
    assert_eq!(proposed.count(), 0);
}

#[test]
fn a_lease_is_kept_from_when_that_was_asked_for_although_no_tick_has_come_since() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let leader = cluster.leader().unwrap();
    cluster.propose(leader, Operation::LeaseGrant(LeaseGrantRequest { id: 9, ttl: 5 }));
    let late = cluster.now + 30 * TICK;
    let node = cluster.nodes.get_mut(&leader).unwrap();
    node.clock(late);
    node.keep_alive(1, 9);
    let output = node.advance();
    cluster.act(leader, output);
    cluster.deliver();
    cluster.nodes.get_mut(&leader).unwrap().tick(late);
    assert_eq!(cluster.nodes[&leader].lease_remaining(9), Some(5_000_000_000));
}

#[test]
fn leadership_is_handed_over_one_term_later() {
    let mut cluster = Cluster::of(&[1, 2, 3]);
    let (leader, to) = (cluster.leader().unwrap(), cluster.follower());
    let term = cluster.nodes[&leader].status().term;
    cluster.nodes.get_mut(&leader).unwrap().transfer_leadership(to);
    cluster.deliver();
    assert_eq!(cluster.leader(), Some(to));
    assert_eq!(cluster.nodes[&to].status().term, term + 1);
}

/// What a leader sends: entries of its own term, after one of another.
fn append(from: u64, term: u64, after: (u64, u64), count: u64) -> Message {
    let (index, log_term) = after;
    let entry = |place| Entry { index: index + 1 + place, term, ..Entry::default() };
    let entries = (0..count).map(entry).collect();
    let mut message = Message { from, to: 2, term, index, log_term, commit: 3, entries, ..Message::default() };
    message.set_msg_type(MessageType::MsgAppend);
    message
}

#[test]
fn entries_that_wait_for_the_disk_make_room_for_another_leader_s() {
    let mut node = start(2, &[1, 2, 3]);
    node.receive(append(1, 2, (3, 1), 1));
    let first = node.advance().write.unwrap();
    assert_eq!(first.entries.len(), 1);
    // The disk is slow; three more wait, and the next leader has another one in place of the last two.
    node.receive(append(1, 2, (4, 2), 3));
    assert!(node.advance().write.is_none());
    node.receive(append(3, 3, (5, 2), 1));
    assert!(node.advance().write.is_none());
    node.persisted(first.number);
    let second = node.advance().write.unwrap();
    let written: Vec<_> = second.entries.iter().map(|entry| (entry.index, entry.term)).collect();
    assert_eq!(written, [(5, 2), (6, 3)]);
    assert_eq!(second.hard_state.unwrap().term, 3);
}
