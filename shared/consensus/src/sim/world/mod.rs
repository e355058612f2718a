//! The simulated world: time, machines, the network between them, and those who use them.

mod calm;
mod disturb;
mod event;
#[cfg(test)]
mod failover;
mod host;
mod members;
mod network;
mod requests;
mod snapshots;
mod step;

use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use self::{
    disturb::Trap,
    event::Event,
    host::{Host, Process, Start, StartError},
    network::Network,
    snapshots::Transfer,
};
use super::{
    Report,
    checks::Checks,
    clients::{Client, Locker, RegisterClient, Watcher},
    clock::{Clock, MILLISECOND, SECOND},
    plan::Plan,
    queue::Queue,
    trace::Trace,
    violation::{Broken, Rule},
};
use crate::{disk::Simulated, log};

/// Between two ticks of a member, by its own clock.
const TICK: u64 = 10 * MILLISECOND;

/// Names of what the plan doesn't name begin here.
const UNPLANNED: usize = 1 << 20;

/// A run.
pub(super) struct World {
    plan: Plan,
    now: u64,
    queue: Queue<Event>,
    rng: SmallRng,
    network: Network,
    hosts: Vec<Host>,
    /// Who founded the cluster.
    founders: Vec<u64>,
    seats: Vec<Seat>,
    checks: Checks,
    traps: Vec<Trap>,
    transfers: BTreeMap<u64, Transfer>,
    names: usize,
    calm: bool,
    over: bool,
    trace: Trace,
    report: Report,
}

/// A client and its own random numbers: what one does changes nothing about the others.
struct Seat {
    client: Option<Client>,
    rng: SmallRng,
}

impl World {
    pub(super) fn new(plan: Plan) -> Self {
        let mut rng = SmallRng::seed_from_u64(plan.seed);
        let network = Network::new(SmallRng::from_rng(&mut rng), plan.weather);
        let report = Report { seed: plan.seed, profile: plan.profile, ..Report::default() };
        let mut world = Self {
            now: 0,
            queue: Queue::new(),
            network,
            hosts: Vec::new(),
            founders: (1..=plan.members as u64).collect(),
            seats: Vec::new(),
            checks: Checks::default(),
            traps: Vec::new(),
            transfers: BTreeMap::new(),
            names: UNPLANNED,
            calm: false,
            over: false,
            trace: Trace::new(),
            report,
            rng,
            plan,
        };
        for host in 0..world.plan.members {
            world.machine();
            world.queue.push(0, Event::Start { host, life: 0 });
        }
        world.seat_clients();
        for (name, planned) in world.plan.disturbances.iter().enumerate() {
            world.queue.push(planned.at, Event::Begin(name));
        }
        world.queue.push(world.plan.lasts, Event::Calm);
        world
    }

    /// Runs to the end.
    pub(super) fn run(&mut self) -> Result<(), Broken> {
        while !self.over && self.go_on()? {}
        self.checks.registers.judge(&self.checks.revisions)
    }

    /// Lets the next thing happen. False when there is none.
    fn go_on(&mut self) -> Result<bool, Broken> {
        let Some((at, event)) = self.queue.pop() else { return Ok(false) };
        self.now = at;
        if let Some(until) = event.at().map(|host| self.hosts[host].stalled_until).filter(|until| *until > at) {
            let later = self.rng.random_range(0..MILLISECOND);
            self.queue.push(until + later, event);
            return Ok(true);
        }
        self.trace.note(&[at, event.word()]);
        self.happen(event)?;
        Ok(true)
    }

    /// What came of it so far.
    pub(super) fn report(&self) -> Report {
        Report {
            simulated: self.now,
            trace: self.trace.hash(),
            calls: self.checks.registers.calls(),
            locks: self.checks.locks.times(),
            revisions: self.checks.revisions.latest().max(1) as u64 - 1,
            ..self.report
        }
    }

    fn happen(&mut self, event: Event) -> Result<(), Broken> {
        match event {
            Event::Tick { host, life } => self.tick(host, life),
            Event::Step { host, life } => self.step(host, life),
            Event::Message { from, host, message } => self.deliver(from, host, *message),
            Event::Unreachable { host, life, peer } => {
                self.input(host, life, |process| process.node.unreachable(peer));
                Ok(())
            }
            Event::Done { host, life } => self.done(host, life),
            Event::Save { host, life } => self.save(host, life),
            Event::Chunk { transfer } => self.chunk(transfer),
            Event::Sent { host, life, peer, delivered } => {
                self.input(host, life, |process| process.node.snapshot_sent(peer, delivered));
                Ok(())
            }
            Event::Request { host, client, ticket, request } => self.request(host, client, ticket, *request),
            Event::GiveUp { host, client, ticket } => {
                self.give_up(host, client, ticket);
                Ok(())
            }
            Event::Reply { client, ticket, reply } => {
                self.with_client(client, |client, desk| client.receive(ticket, *reply, desk))
            }
            Event::Wake { client, ticket } => self.with_client(client, |client, desk| client.wake(ticket, desk)),
            Event::Begin(name) => self.begin(name),
            Event::End { name, host } => {
                self.end(name, host);
                Ok(())
            }
            Event::Crash { host, life, power, down } => self.crash(host, life, power, down),
            Event::Start { host, life } => self.start(host, life),
            Event::Isolate { host, lasts } => {
                self.isolate(host, lasts);
                Ok(())
            }
            Event::Operate(order) => self.operate(order),
            Event::Calm => self.calm_down(),
            Event::Look => self.look(),
        }
    }

    /// Builds another machine, which is still off.
    fn machine(&mut self) -> usize {
        let id = self.hosts.len() as u64 + 1;
        let drift = self.plan.drift;
        let drift = if drift == 0 { 0 } else { self.rng.random_range(-drift..=drift) };
        let begun = self.rng.random_range(SECOND..1_000_000 * SECOND);
        self.hosts.push(Host {
            id,
            clock: Clock::new(drift, begun),
            disk: Simulated::new(self.rng.random()),
            process: None,
            life: 0,
            stalled_until: 0,
            slow: None,
            retired: false,
        });
        self.hosts.len() - 1
    }

    fn seat_clients(&mut self) {
        let Plan { registers, lockers, watchers, members, drift, .. } = self.plan;
        for number in 0..registers + lockers + watchers {
            let mut rng = SmallRng::from_rng(&mut self.rng);
            let host = number % members;
            let client = if number < registers {
                Client::Register(RegisterClient::new(number as u64, host))
            } else if number < registers + lockers {
                let drift = if drift == 0 { 0 } else { rng.random_range(-drift..=drift) };
                Client::Locker(Locker::new(number, Clock::new(drift, SECOND), host))
            } else {
                Client::Watcher(Watcher::new(number as u64))
            };
            let at = rng.random_range(0..SECOND / 2);
            self.seats.push(Seat { client: Some(client), rng });
            self.queue.push(at, Event::Wake { client: number, ticket: 0 });
        }
    }

    /// Starts the process of a machine, unless that has happened.
    fn start(&mut self, place: usize, life: u64) -> Result<(), Broken> {
        let host = &mut self.hosts[place];
        if host.life != life || host.process.is_some() || host.retired {
            return Ok(());
        }
        let founders = if place < self.plan.members { self.founders.as_slice() } else { &[] };
        let start = Start {
            id: host.id,
            disk: host.disk.clone(),
            setup: self.plan.setup,
            seed: self.plan.seed,
            now: host.clock.read(self.now),
            founders,
        };
        match Process::start(start) {
            Ok(process) => {
                host.life += 1;
                host.process = Some(process);
                let life = host.life;
                self.queue.push(self.now, Event::Tick { host: place, life });
                self.observe(place)
            }
            // It is tried again until there is room, or the disk works.
            Err(StartError::Log(log::Error::Full { .. } | log::Error::Io { .. } | log::Error::Poisoned(_))) => {
                host.disk = host.disk.restart();
                self.queue.push(self.now + 300 * MILLISECOND, Event::Start { host: place, life });
                Ok(())
            }
            Err(error) => Err(Broken::new(Rule::LogReadable, format!("member {} doesn't start: {error}", host.id))),
        }
    }

    /// A process ends, and is started again after a while.
    fn crash(&mut self, place: usize, life: u64, power: bool, down: u64) -> Result<(), Broken> {
        let host = &mut self.hosts[place];
        if host.life != life {
            return Ok(());
        }
        let Some(mut process) = host.process.take() else { return Ok(()) };
        self.report.crashes += 1;
        if self.rng.random() {
            // In the middle of what the disk was at.
            if power {
                host.disk.crash_after(self.rng.random_range(0..6));
            }
            // What comes of it is seen at the next start.
            let _ = process.work();
            if let Some(mut saving) = process.saving.take() {
                let _ = saving.finish(&process.store());
            }
        }
        // The machine first: a process that is cut off tidies nothing up.
        host.disk = if power { host.disk.crash(&mut self.rng) } else { host.disk.restart() };
        host.stalled_until = 0;
        host.life += 1;
        let life = host.life;
        self.queue.push(self.now + down, Event::Start { host: place, life });
        self.hang_up(&mut process);
        Ok(())
    }

    fn name(&mut self) -> usize {
        self.names += 1;
        self.names
    }
}
