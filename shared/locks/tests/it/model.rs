//! The protocol of tokens as a state machine, against everything that can happen between its steps.
//!
//! What the scripts do in Redis, each in one step, is modelled; what happens between them is drawn. One server is the
//! master at a time; that two are at once is a limit that the crate's documentation states.

use locks::Token;
use proptest::prelude::*;

const CLIENTS: usize = 3;

/// A process of a server, and the history of writes that it goes on with.
type Id = (u64, u64);

#[derive(Debug, Clone, Default)]
struct Data {
    /// Of which history, and the last token given.
    fence: Option<(Id, u64, u64)>,
    claim: Option<(Id, u64)>,
    lock: Option<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Client {
    Idle,
    Claimed { nonce: u64 },
    Drawn { nonce: u64, epoch: u64 },
    Holds { owner: u64, token: Token },
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// A client takes its next step towards a lock.
    Step(usize),
    Store(usize),
    Extend(usize),
    Release(usize),
    /// A client ends, and another takes its place; what it has begun stays.
    Crash(usize),
    Expire,
    Flush,
    Evict,
    Save,
    Restart {
        restored: bool,
    },
    Replicate,
    /// The replica becomes the master.
    Promote,
    /// The master becomes a replica of its replica, and a master again.
    TakeOver,
}

fn event() -> impl Strategy<Value = Event> {
    let client = 0..CLIENTS;
    prop_oneof![
        12 => client.clone().prop_map(Event::Step),
        4 => client.clone().prop_map(Event::Store),
        1 => client.clone().prop_map(Event::Extend),
        2 => client.clone().prop_map(Event::Release),
        1 => client.prop_map(Event::Crash),
        2 => Just(Event::Expire),
        2 => Just(Event::Flush),
        1 => Just(Event::Evict),
        1 => Just(Event::Save),
        2 => any::<bool>().prop_map(|restored| Event::Restart { restored }),
        1 => Just(Event::Replicate),
        1 => Just(Event::Promote),
        1 => Just(Event::TakeOver),
    ]
}

struct World {
    id: Id,
    data: Data,
    saved: Data,
    replica: Data,
    clients: [Client; CLIENTS],
    epochs: u64,
    fresh: u64,
    /// Every token given, in order.
    given: Vec<Token>,
    seen: Token,
    /// Whether an epoch is only begun while its claim stands.
    claims: bool,
}

impl World {
    fn new(claims: bool) -> Self {
        let (data, saved, replica) = Default::default();
        let (id, clients, seen) = ((1, 1), [Client::Idle; CLIENTS], Token::ZERO);
        Self { id, data, saved, replica, clients, epochs: 0, fresh: 1, given: Vec::new(), seen, claims }
    }

    fn fresh(&mut self) -> u64 {
        self.fresh += 1;
        self.fresh
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Step(client) => self.step(client),
            Event::Store(client) => self.store(client),
            Event::Extend(client) => {
                if let Client::Holds { owner, .. } = self.clients[client]
                    && self.data.lock != Some(owner)
                {
                    // It learns that it has lost the lock.
                    self.clients[client] = Client::Idle;
                }
            }
            Event::Release(client) => {
                if let Client::Holds { owner, .. } = self.clients[client] {
                    self.data.lock = self.data.lock.filter(|held| *held != owner);
                    self.clients[client] = Client::Idle;
                }
            }
            Event::Crash(client) => self.clients[client] = Client::Idle,
            Event::Expire => self.data.lock = None,
            Event::Flush => self.data = Data::default(),
            Event::Evict => self.data.fence = None,
            Event::Save => self.saved = self.data.clone(),
            Event::Replicate => self.replica = self.data.clone(),
            Event::Restart { restored } => {
                self.data = if restored { self.saved.clone() } else { Data::default() };
                self.id = (self.fresh(), self.fresh());
            }
            Event::Promote => {
                self.data = self.replica.clone();
                self.id = (self.fresh(), self.fresh());
            }
            Event::TakeOver => {
                self.data = self.replica.clone();
                self.id.1 = self.fresh();
            }
        }
    }

    fn step(&mut self, client: usize) {
        self.clients[client] = match self.clients[client] {
            Client::Idle => match self.data.fence {
                Some((id, epoch, counter)) if id == self.id => {
                    if self.data.lock.is_some() {
                        return;
                    }
                    let owner = self.fresh();
                    self.data.lock = Some(owner);
                    self.data.fence = Some((id, epoch, counter + 1));
                    let token = Token::new(epoch, counter + 1).unwrap();
                    self.given.push(token);
                    Client::Holds { owner, token }
                }
                _ => {
                    let nonce = self.fresh();
                    self.data.claim = Some((self.id, nonce));
                    Client::Claimed { nonce }
                }
            },
            Client::Claimed { nonce } => {
                self.epochs += 1;
                Client::Drawn { nonce, epoch: self.epochs }
            }
            Client::Drawn { nonce, epoch } => {
                let absent = self.data.fence.is_none_or(|(id, ..)| id != self.id);
                if self.data.claim == Some((self.id, nonce)) || !self.claims && absent {
                    self.data.fence = Some((self.id, epoch, 0));
                    self.data.claim = None;
                }
                Client::Idle
            }
            holds @ Client::Holds { .. } => holds,
        };
    }

    fn store(&mut self, client: usize) {
        if let Client::Holds { token, .. } = self.clients[client]
            && token >= self.seen
        {
            self.seen = token;
        }
    }

    /// Whether tokens were given in growing order. Then the resource, which keeps the greatest it has seen, refuses every
    /// holder as soon as a later one has stored.
    fn grows(&self) -> bool {
        self.given.is_sorted_by(|before, after| before < after)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn tokens_grow_whatever_happens(events in prop::collection::vec(event(), 1..120)) {
        let mut world = World::new(true);
        for event in events {
            let seen = world.seen;
            world.happens(event);
            prop_assert!(world.grows(), "{:?}", world.given);
            prop_assert!(world.seen >= seen);
        }
    }
}

/// The model can tell: without the claim, one who is slow begins an older epoch on an empty server.
#[test]
fn an_epoch_without_a_claim_goes_backwards() {
    let slow = [Event::Step(0), Event::Step(0)];
    let other = [Event::Step(1), Event::Step(1), Event::Step(1), Event::Step(1), Event::Release(1)];
    let then = [Event::Flush, Event::Step(0), Event::Step(0)];
    for claims in [true, false] {
        let mut world = World::new(claims);
        slow.into_iter().chain(other).chain(then).for_each(|event| world.happens(event));
        assert_eq!(world.grows(), claims, "{:?}", world.given);
    }
}
