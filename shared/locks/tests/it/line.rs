//! The line in Redis: the scripts themselves, step by step, against what a line should do.
//!
//! Nobody has what another has; whoever came first goes first; and whoever could go on because of somebody's going is told,
//! if only it listens. What nobody is told of (an end of time, one who stood still) is found by asking again.

use std::collections::{BTreeMap, BTreeSet};

use futures::StreamExt;
use local::testing::{self, PrivateRedis};
use proptest::{prelude::*, test_runner::TestRunner};
use redis::{Script, aio::MultiplexedConnection, aio::PubSub};

use crate::stage::{BOUND, connection};

const CLIENTS: usize = 4;
const PREFIX: &str = "line:test:";
const TAKE: &str =
    concat!(include_str!("../../src/server/scripts/line.lua"), include_str!("../../src/server/scripts/take.lua"));
const RELEASE: &str =
    concat!(include_str!("../../src/server/scripts/line.lua"), include_str!("../../src/server/scripts/release.lua"));

#[derive(Debug, Clone)]
enum Event {
    /// Asks for these keys, or again for those it waits for.
    Ask(usize, BTreeSet<u8>),
    /// Asks for these, and does not wait.
    Try(usize, BTreeSet<u8>),
    /// Gives back what it has, or leaves the line.
    Leave(usize),
    /// Does not ask again for so long that it counts as gone.
    StandStill(usize),
    /// Ends without a word, and another takes its place; what it has, it has until its time is over.
    Die(usize),
    /// The time of all that the dead have is over.
    Expire,
    /// Does not listen any more, or does again.
    Hears(usize, bool),
    Flush,
}

fn event() -> impl Strategy<Value = Event> {
    let client = 0..CLIENTS;
    let keys = || prop::collection::btree_set(0..4u8, 1..3);
    prop_oneof![
        12 => (client.clone(), keys()).prop_map(|(client, keys)| Event::Ask(client, keys)),
        2 => (client.clone(), keys()).prop_map(|(client, keys)| Event::Try(client, keys)),
        8 => client.clone().prop_map(Event::Leave),
        1 => client.clone().prop_map(Event::StandStill),
        1 => client.clone().prop_map(Event::Die),
        1 => Just(Event::Expire),
        3 => (client, prop::bool::weighted(0.7)).prop_map(|(client, hears)| Event::Hears(client, hears)),
        1 => Just(Event::Flush),
    ]
}

#[derive(Debug, Clone, Default)]
struct Client {
    owner: String,
    keys: BTreeSet<u8>,
    has: bool,
    ticket: Option<u64>,
    /// Whether the line still counts with it.
    stands: bool,
    deaf: bool,
}

impl Client {
    fn waits(&self) -> bool {
        self.ticket.is_some() && !self.has
    }

    fn shares(&self, keys: &BTreeSet<u8>) -> bool {
        !self.keys.is_disjoint(keys)
    }
}

/// What should be the case, and the server where it should.
struct World {
    commands: MultiplexedConnection,
    heard: PubSub,
    clients: Vec<Client>,
    /// Keys of holders that have died.
    orphans: BTreeMap<u8, usize>,
    last_ticket: u64,
    takings: usize,
}

type Checked = Result<(), TestCaseError>;

impl World {
    async fn new(redis: &PrivateRedis) -> Self {
        let mut commands = connection(redis).await;
        let () = redis::cmd("FLUSHALL").query_async(&mut commands).await.unwrap();
        let mut heard = redis::Client::open(redis.url()).unwrap().get_async_pubsub().await.unwrap();
        heard.subscribe("end").await.unwrap();
        let mut world = Self {
            commands,
            heard,
            clients: vec![Client::default(); CLIENTS],
            orphans: BTreeMap::new(),
            last_ticket: 0,
            takings: 0,
        };
        for client in 0..CLIENTS {
            world.renew(client);
            world.hear(client, true).await;
        }
        world
    }

    /// Another taking by the same process.
    fn renew(&mut self, client: usize) {
        self.takings += 1;
        let (owner, deaf) = (format!("{client:016x}{:016x}", self.takings), self.clients[client].deaf);
        self.clients[client] = Client { owner, deaf, ..Client::default() };
    }

    async fn hear(&mut self, client: usize, hears: bool) {
        let channel = format!("{PREFIX}turn:{client:016x}");
        self.clients[client].deaf = !hears;
        if hears {
            self.heard.subscribe(&channel).await.unwrap();
        } else {
            self.heard.unsubscribe(&channel).await.unwrap();
        }
    }

    async fn happens(&mut self, event: Event) -> Checked {
        match event {
            Event::Ask(client, keys) => self.ask(client, keys).await,
            Event::Try(client, keys) => self.try_once(client, &keys).await,
            Event::Leave(client) => self.leave(client).await,
            Event::StandStill(client) => self.stand_still(client).await,
            Event::Die(client) => self.die(client).await,
            Event::Expire => self.expire().await,
            Event::Hears(client, hears) => {
                self.hear(client, hears).await;
                Ok(())
            }
            Event::Flush => self.flush().await,
        }
    }

    async fn take(&mut self, owner: &str, keys: &BTreeSet<u8>, ticket: &str) -> Vec<String> {
        let script = Script::new(TAKE);
        let mut taking = script.prepare_invoke();
        taking.key(format!("{PREFIX}fence"));
        for key in keys {
            taking.key(format!("{PREFIX}key:{key}"));
        }
        for argument in [owner, PREFIX, "600000", "0 test", ticket, "0", "600000", "600000"] {
            taking.arg(argument);
        }
        taking.invoke_async(&mut self.commands).await.unwrap()
    }

    fn is_free(&self, key: u8) -> bool {
        !self.orphans.contains_key(&key) && !self.clients.iter().any(|client| client.has && client.keys.contains(&key))
    }

    /// Whether one with this ticket, or none, could take these keys now.
    fn may_take(&self, owner: &str, keys: &BTreeSet<u8>, ticket: Option<u64>) -> bool {
        let before = |other: &Client| {
            let earlier = ticket.is_none_or(|ticket| other.ticket < Some(ticket));
            other.owner != owner && other.waits() && other.stands && earlier && other.shares(keys)
        };
        keys.iter().all(|key| self.is_free(*key)) && !self.clients.iter().any(before)
    }

    async fn ask(&mut self, number: usize, keys: BTreeSet<u8>) -> Checked {
        let client = self.clients[number].clone();
        if client.has {
            return Ok(());
        }
        let keys = if client.ticket.is_some() { client.keys.clone() } else { keys };
        let expected = self.may_take(&client.owner, &keys, client.ticket);
        let answer = self.take(&client.owner, &keys, &client.ticket.unwrap_or(0).to_string()).await;
        prop_assert_eq!(answer[0] == "taken", expected, "{:?} by {:?}", &answer, &client);
        let mut after = Client { keys, has: expected, ..client };
        if !expected {
            let given: u64 = answer[2].parse().unwrap();
            match after.ticket {
                Some(ticket) => prop_assert_eq!(given, ticket),
                None => prop_assert!(given > self.last_ticket, "{} after {}", given, self.last_ticket),
            }
            self.last_ticket = self.last_ticket.max(given);
            (after.ticket, after.stands) = (Some(given), true);
        }
        self.clients[number] = after;
        Ok(())
    }

    async fn try_once(&mut self, number: usize, keys: &BTreeSet<u8>) -> Checked {
        let client = self.clients[number].clone();
        if client.has || client.waits() {
            return Ok(());
        }
        let expected = self.may_take(&client.owner, keys, None);
        let answer = self.take(&client.owner, keys, "-").await;
        prop_assert_eq!(answer[0] == "taken", expected, "{:?} by {:?}", &answer, &client);
        if expected {
            self.clients[number] = Client { keys: keys.clone(), has: true, ..client };
        }
        Ok(())
    }

    async fn leave(&mut self, number: usize) -> Checked {
        let client = self.clients[number].clone();
        if client.keys.is_empty() {
            return Ok(());
        }
        let could = self.could_go_on();
        let script = Script::new(RELEASE);
        let mut releasing = script.prepare_invoke();
        for key in &client.keys {
            releasing.key(format!("{PREFIX}key:{key}"));
        }
        let answer: usize = releasing.arg(&client.owner).arg(PREFIX).invoke_async(&mut self.commands).await.unwrap();
        prop_assert_eq!(answer, if client.has { client.keys.len() } else { 0 });
        self.renew(number);
        let told = self.told().await;
        let passed_over = self.pass_over_the_deaf(&client.keys);
        for now in self.could_go_on().difference(&could) {
            // Who was behind one that is deaf hears of it for the keys that were given back, and else by asking again.
            let by_asking = passed_over && !told.contains(now);
            prop_assert!(told.contains(now) || by_asking, "{now} is not told, but {told:?}: {:?}", &self.clients);
        }
        for owner in &told {
            let known = self.clients.iter().find(|client| client.owner == *owner);
            prop_assert!(known.is_some_and(|client| client.waits() && client.stands), "{owner} is told");
        }
        Ok(())
    }

    /// Those in front whom nobody could tell count as gone, until they ask again. Whether there were any.
    fn pass_over_the_deaf(&mut self, keys: &BTreeSet<u8>) -> bool {
        let mut any = false;
        for key in keys.iter().filter(|key| self.is_free(**key)).copied().collect::<Vec<_>>() {
            while let Some(first) = self.first_in(key).filter(|first| self.clients[*first].deaf) {
                self.clients[first].stands = false;
                any = true;
            }
        }
        any
    }

    fn first_in(&self, key: u8) -> Option<usize> {
        let waits = |number: &usize| {
            let client = &self.clients[*number];
            client.waits() && client.stands && client.keys.contains(&key)
        };
        (0..CLIENTS).filter(waits).min_by_key(|number| self.clients[*number].ticket)
    }

    /// All who wait and could take.
    fn could_go_on(&self) -> BTreeSet<String> {
        let could = |client: &&Client| {
            client.waits() && client.stands && self.may_take(&client.owner, &client.keys, client.ticket)
        };
        self.clients.iter().filter(could).map(|client| client.owner.clone()).collect()
    }

    /// Who was told since this was last asked.
    async fn told(&mut self) -> BTreeSet<String> {
        let () = redis::cmd("PUBLISH").arg("end").arg("").query_async(&mut self.commands).await.unwrap();
        let (mut told, mut messages) = (BTreeSet::new(), self.heard.on_message());
        loop {
            let message = tokio::time::timeout(BOUND, messages.next()).await.unwrap().unwrap();
            if message.get_channel_name() == "end" {
                return told;
            }
            told.insert(message.get_payload().unwrap());
        }
    }

    async fn stand_still(&mut self, number: usize) -> Checked {
        let name = format!("{PREFIX}waiter:{}", self.clients[number].owner);
        let () = redis::cmd("DEL").arg(name).query_async(&mut self.commands).await.unwrap();
        self.clients[number].stands = false;
        Ok(())
    }

    async fn die(&mut self, number: usize) -> Checked {
        if self.clients[number].has {
            let keys = self.clients[number].keys.clone();
            self.orphans.extend(keys.into_iter().map(|key| (key, number)));
        }
        self.stand_still(number).await?;
        self.renew(number);
        Ok(())
    }

    async fn expire(&mut self) -> Checked {
        for key in std::mem::take(&mut self.orphans).into_keys() {
            let () = redis::cmd("DEL").arg(format!("{PREFIX}key:{key}")).query_async(&mut self.commands).await.unwrap();
        }
        Ok(())
    }

    /// Holders learn that they have lost everything; who waits keeps its ticket.
    async fn flush(&mut self) -> Checked {
        let () = redis::cmd("FLUSHALL").query_async(&mut self.commands).await.unwrap();
        self.orphans.clear();
        for number in 0..CLIENTS {
            self.clients[number].stands = false;
            if self.clients[number].has {
                self.renew(number);
            }
        }
        Ok(())
    }

    /// All come, one after the other, and nobody is left: no two wait for each other.
    async fn ends(mut self) -> Checked {
        self.expire().await?;
        for _ in 0..CLIENTS {
            for client in 0..CLIENTS {
                if self.clients[client].waits() {
                    self.ask(client, BTreeSet::new()).await?;
                }
                if self.clients[client].has {
                    self.leave(client).await?;
                }
            }
        }
        prop_assert!(self.clients.iter().all(|client| client.keys.is_empty()), "{:?}", self.clients);
        let left: Vec<String> =
            redis::cmd("KEYS").arg(format!("{PREFIX}*")).query_async(&mut self.commands).await.unwrap();
        // A line in which only the dead stand ends by itself.
        let left = left.iter().filter(|name| name.contains(":key:") || name.contains(":waiter:"));
        prop_assert_eq!(left.collect::<Vec<_>>(), Vec::<&String>::new());
        Ok(())
    }
}

#[test]
fn whoever_came_first_goes_first() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let redis = runtime.block_on(testing::private_redis());
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) });
    let ran = runner.run(&prop::collection::vec(event(), 1..60), |events| {
        runtime.block_on(async {
            let mut world = World::new(&redis).await;
            for event in events {
                world.happens(event).await?;
            }
            world.ends().await
        })
    });
    ran.unwrap();
}
