//! Clients and members talking to each other.

use super::{
    World,
    event::Event,
    host::{Caller, Process, Stream, read},
};
use crate::{
    api::{etcdserverpb::RangeRequest, logpb::Command},
    node::{Answer, Confirmed},
    sim::{
        clients::{Action, Client, Desk, Reply, Request},
        violation::Broken,
    },
};

impl World {
    /// Lets a client act, and does what it wants done.
    pub(super) fn with_client(
        &mut self,
        place: usize,
        act: impl FnOnce(&mut Client, &mut Desk<'_>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let Some(mut client) = self.seats[place].client.take() else { return Ok(()) };
        let mut desk = Desk {
            now: self.now,
            rng: &mut self.seats[place].rng,
            checks: &mut self.checks,
            hosts: self.hosts.len(),
            calm: self.calm,
            actions: Vec::new(),
        };
        let acted = act(&mut client, &mut desk);
        let actions = desk.actions;
        self.seats[place].client = Some(client);
        acted?;
        for action in actions {
            let soon = self.now + self.network.delay();
            match action {
                // Clients use connections: what they say is late, but not lost.
                Action::Send { ticket, host, request } => {
                    let request = Box::new(request);
                    self.queue.push(soon, Event::Request { host, client: place, ticket, request });
                }
                Action::GiveUp { ticket, host } => {
                    self.queue.push(soon, Event::GiveUp { host, client: place, ticket });
                }
                Action::Wake { ticket, at } => self.queue.push(at, Event::Wake { client: place, ticket }),
            }
        }
        Ok(())
    }

    pub(super) fn request(&mut self, place: usize, client: usize, ticket: u64, request: Request) -> Result<(), Broken> {
        let life = self.hosts[place].life;
        if self.hosts[place].process.is_none() {
            self.reply(client, ticket, Reply::Refused);
            return Ok(());
        }
        match request {
            Request::Propose(command) => self.propose(place, life, client, ticket, *command),
            Request::Read(range) => self.input(place, life, |process| {
                let call = process.call(Caller::Client { client, ticket, read: Some(range) });
                process.node.read(call);
            }),
            Request::ReadHere(range) => {
                let found = self.hosts[place].process.as_ref().map(|process| process.store().range(&range));
                let reply = found.map_or(Reply::Refused, Reply::Range);
                self.reply(client, ticket, reply);
            }
            Request::KeepAlive(lease) => self.input(place, life, |process| {
                let call = process.call(Caller::Client { client, ticket, read: None });
                process.node.keep_alive(call, lease);
            }),
            Request::Watch(request) => {
                if let Some(process) = &mut self.hosts[place].process {
                    let (id, outbox) = process.hub.open();
                    let store = read(process.node.store());
                    process.hub.watch(&store, id, request);
                    process.hub.catch_up(&store, 16);
                    drop(store);
                    process.streams.push(Stream { id, outbox, client, ticket, arrives: 0 });
                }
                self.pump(place);
            }
            Request::Leave => {
                if let Some(process) = &mut self.hosts[place].process {
                    leave(process, client, ticket);
                }
            }
        }
        Ok(())
    }

    fn propose(&mut self, place: usize, life: u64, client: usize, ticket: u64, command: Command) {
        self.input(place, life, |process| {
            let call = process.call(Caller::Client { client, ticket, read: None });
            process.node.propose([(call, command)]);
        });
    }

    /// A client waits no longer.
    pub(super) fn give_up(&mut self, place: usize, client: usize, ticket: u64) {
        let Some(process) = &mut self.hosts[place].process else { return };
        let waits = process.calls.iter().find(|(_, caller)| caller.is(client, ticket));
        let call = waits.map(|(call, _)| *call);
        if let Some(call) = call {
            process.calls.remove(&call);
            process.node.forget(call);
        }
    }

    pub(super) fn answer(&mut self, place: usize, answer: Answer) {
        let (call, reply) = match answer {
            Answer::Applied(call, outcome) => (call, Reply::Applied(outcome)),
            // It was applied, but with what outcome nobody there knows.
            Answer::Lost(call) => (call, Reply::Broken),
            Answer::Changed(call, outcome) => {
                let caller = self.hosts[place].process.as_mut().and_then(|process| process.calls.remove(&call));
                if let Some(Caller::Operator(order)) = caller {
                    self.changed(order, outcome.is_ok());
                }
                return;
            }
        };
        let caller = self.hosts[place].process.as_mut().and_then(|process| process.calls.remove(&call));
        if let Some(Caller::Client { client, ticket, .. }) = caller {
            self.reply(client, ticket, reply);
        }
    }

    pub(super) fn confirm(&mut self, place: usize, confirmed: Confirmed) {
        let Some(process) = &mut self.hosts[place].process else { return };
        let Some(Caller::Client { client, ticket, read }) = process.calls.remove(&confirmed.call) else { return };
        let reply = match read {
            Some(range) => Reply::Range(read_from(process, &range)),
            None if confirmed.led => Reply::KeptAlive(confirmed.time_to_live),
            None => {
                let leader = process.node.status().leader;
                Reply::NotLeader(self.hosts.iter().position(|host| host.id == leader))
            }
        };
        self.reply(client, ticket, reply);
    }

    /// An answer is on its way, unless the connection breaks first.
    fn reply(&mut self, client: usize, ticket: u64, reply: Reply) {
        let delay = self.network.delay();
        let reply = if !matches!(reply, Reply::Refused) && self.network.chance(5) { Reply::Broken } else { reply };
        self.queue.push(self.now + delay, Event::Reply { client, ticket, reply: Box::new(reply) });
    }

    /// Sends what waits for watchers, in order.
    pub(super) fn pump(&mut self, place: usize) {
        let Some(process) = &mut self.hosts[place].process else { return };
        for stream in &mut process.streams {
            while let Some(taken) = stream.outbox.take() {
                stream.arrives = stream.arrives.max(self.now + self.network.delay());
                self.report.deliveries += 1;
                let reply = Box::new(Reply::Watched(taken.delivery));
                let Stream { client, ticket, arrives, .. } = *stream;
                self.queue.push(arrives, Event::Reply { client, ticket, reply });
            }
        }
    }

    /// The connections of a process that ended.
    pub(super) fn hang_up(&mut self, process: &mut Process) {
        let calls = std::mem::take(&mut process.calls);
        for caller in calls.into_values() {
            if let Caller::Client { client, ticket, .. } = caller {
                self.reply(client, ticket, Reply::Broken);
            }
        }
        for Stream { client, ticket, arrives, .. } in std::mem::take(&mut process.streams) {
            let at = arrives.max(self.now) + self.network.delay();
            self.queue.push(at, Event::Reply { client, ticket, reply: Box::new(Reply::Broken) });
        }
    }
}

fn read_from(
    process: &Process,
    range: &RangeRequest,
) -> Result<crate::api::etcdserverpb::RangeResponse, crate::store::Error> {
    process.store().range(range)
}

fn leave(process: &mut Process, client: usize, ticket: u64) {
    let left = process.streams.iter().position(|stream| (stream.client, stream.ticket) == (client, ticket));
    if let Some(left) = left {
        let stream = process.streams.remove(left);
        process.hub.close(stream.id);
    }
}
