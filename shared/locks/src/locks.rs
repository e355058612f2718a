//! The one way to lock, whichever strategy is in force.

use std::sync::Arc;

use coordination::{Cluster, lease::Life, settings::Setting};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use crate::{
    Config, ConfigError, Fault, Guard, Keys, LockError, Request, Strategy, Token,
    asking::{Refused, Taken, Waiting, Why},
    cluster,
    config::usable,
    guard::Hold,
    holding::{Holding, Owned, pause},
    keeper,
    queue::{Queue, Turn},
    server::{Outcome, Server},
    switch::{Gate, Permit},
    trouble::Trouble,
};

/// Takes locks, by one strategy at a time. Clones share queue and connections.
#[derive(Debug, Clone)]
pub struct Locks(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    holder: Arc<str>,
    cluster: Option<Cluster>,
    redis: Arc<[Server]>,
    redlock: Arc<[Server]>,
    queue: Queue,
    trouble: Trouble,
    gate: Gate,
    switch: Option<JoinHandle<()>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(switch) = &self.switch {
            switch.abort();
        }
    }
}

impl Locks {
    /// Locks by one strategy for ever. Reaches for nobody. The strategies with tokens need a cluster.
    ///
    /// # Errors
    /// A server's URL can't be used, or the time to live is too short.
    pub fn fixed(config: Config, strategy: Strategy, cluster: Option<Cluster>) -> Result<Self, ConfigError> {
        let [redis, redlock] = servers(&config)?;
        let gate = Gate::fixed(strategy);
        Ok(Self::new(config, cluster, [redis, redlock], gate, None))
    }

    /// Locks by the strategy that a live setting says, the same at any moment in all processes that use the cluster.
    ///
    /// Must be called within a runtime. Locks are to be had when a coordinator has answered, and while one does.
    ///
    /// # Errors
    /// A server's URL can't be used, or the time to live is too short.
    pub fn following(config: Config, setting: Setting<Strategy>, cluster: Cluster) -> Result<Self, ConfigError> {
        let [redis, redlock] = servers(&config)?;
        let observed = Arc::clone(&redis);
        let observe = move |token| observed.iter().for_each(|server| server.observe(token));
        let (gate, switch) = Gate::following(cluster.clone(), setting, config.membership, observe);
        Ok(Self::new(config, Some(cluster), [redis, redlock], gate, Some(tokio::spawn(switch))))
    }

    fn new(
        config: Config,
        cluster: Option<Cluster>,
        [redis, redlock]: [Arc<[Server]>; 2],
        gate: Gate,
        switch: Option<JoinHandle<()>>,
    ) -> Self {
        let (holder, queue, trouble) = (config.holder.as_str().into(), Queue::default(), Trouble::default());
        Self(Arc::new(Inner { config, holder, cluster, redis, redlock, queue, trouble, gate, switch }))
    }

    /// Takes all of these keys at once, in the order in which this process's tasks have asked. Dropped, it has asked for
    /// nothing.
    ///
    /// # Errors
    /// The deadline came first, or waiting does not help.
    pub async fn lock(&self, keys: &Keys, request: Request) -> Result<Guard, LockError> {
        let waiting = Waiting::begin(keys, request);
        let mut in_force = None;
        let wanted = async {
            let permit = self.0.gate.enter().await;
            let strategy = permit.strategy();
            in_force = Some(strategy);
            let turn = if strategy.takes() { Some(self.0.queue.turn(keys).await) } else { None };
            self.take(keys, permit, turn, Patience::UntilDeadline).await
        };
        let taken = match timeout_at(request.deadline, wanted).await {
            Ok(taken) => taken,
            Err(_) => Err(Refused { strategy: in_force, why: Why::TimedOut { last: self.trouble(in_force) } }),
        };
        waiting.end(taken)
    }

    /// Takes all of these keys, or says at once that another has one of them or waits for it. (At the coordinators it can
    /// take as long as a command may, as nobody there says at once.)
    ///
    /// # Errors
    /// Another has one of the keys, or it could not be tried.
    pub async fn try_lock(&self, keys: &Keys, request: Request) -> Result<Guard, LockError> {
        let waiting = Waiting::begin(keys, request);
        let taken = async {
            let permit = self.0.gate.try_enter();
            let permit = permit.ok_or(Refused { strategy: None, why: Why::Fault(Fault::Switching) })?;
            let turn = if permit.strategy().takes() {
                let strategy = Some(permit.strategy());
                let turn = self.0.queue.try_turn(keys);
                Some(turn.map_err(|key| Refused { strategy, why: Why::Busy { key: Some(key) } })?)
            } else {
                None
            };
            self.take(keys, permit, turn, Patience::Once).await
        };
        let taken = taken.await;
        waiting.end(taken)
    }

    /// Makes later tokens greater than this one, which somebody has seen: what a resource tells when it refuses a smaller.
    pub fn observe(&self, token: Token) {
        self.0.redis.iter().for_each(|server| server.observe(token));
    }

    /// What keeps everybody here from trying at this moment, if anything does.
    fn trouble(&self, in_force: Option<Strategy>) -> Option<Arc<Fault>> {
        let Some(strategy) = in_force else { return Some(Arc::new(Fault::Switching)) };
        let silent = |cluster: &Cluster| !*cluster.connected().borrow();
        if strategy == Strategy::Coordination && self.0.cluster.as_ref().is_some_and(silent) {
            return Some(Arc::new(Fault::Unreachable));
        }
        self.0.trouble.of(strategy)
    }

    /// Takes by the strategy of the permit.
    async fn take(
        &self,
        keys: &Keys,
        permit: Permit,
        turn: Option<Turn>,
        patience: Patience,
    ) -> Result<Taken, Refused> {
        let strategy = permit.strategy();
        let taken = match strategy {
            Strategy::None | Strategy::Database => Ok((Hold::Nothing, None)),
            // On the heap, as is what begins an epoch: it is deep, and seldom.
            Strategy::Coordination => Box::pin(self.take_at_cluster(keys, turn, patience)).await,
            Strategy::Redis | Strategy::RedisFenced | Strategy::Redlock => {
                self.take_in_redis(strategy, keys, turn, patience).await
            }
        };
        let (hold, token) = taken.map_err(|why| Refused { strategy: Some(strategy), why })?;
        Ok(Taken { hold, token, permit })
    }

    async fn take_at_cluster(
        &self,
        keys: &Keys,
        turn: Option<Turn>,
        patience: Patience,
    ) -> Result<(Hold, Option<Token>), Why> {
        let cluster = self.cluster(Strategy::Coordination)?;
        let taking = cluster::take(cluster, keys, self.0.config.ttl, &self.0.config.holder);
        let taken = if patience == Patience::Once {
            tokio::time::timeout(self.0.config.patience, taking).await.map_err(|_| Why::Busy { key: None })?
        } else {
            taking.await
        };
        let (leadership, token) = taken.map_err(|error| Why::Fault(error.into()))?;
        Ok((Hold::Cluster { leadership, turn }, Some(token)))
    }

    async fn take_in_redis(
        &self,
        strategy: Strategy,
        keys: &Keys,
        turn: Option<Turn>,
        patience: Patience,
    ) -> Result<(Hold, Option<Token>), Why> {
        let servers = if strategy == Strategy::Redlock { &self.0.redlock } else { &self.0.redis };
        if servers.is_empty() {
            return Err(Why::Fault(Fault::Missing { strategy, what: "servers" }));
        }
        let ttl = self.0.config.ttl;
        let mut owned = Owned::new(self.holding(servers, keys), turn);
        if patience == Patience::UntilDeadline {
            owned.queue_up();
        }
        loop {
            let sent = Instant::now();
            match self.attempt(strategy, &mut owned).await {
                Ok(Outcome::Taken(token)) => {
                    let life = Life::until(sent + usable(ttl));
                    // The answer may have come too late.
                    if life.is_alive() {
                        owned.was_taken();
                        let keeper = Some(keeper::keep(owned.holding.clone(), strategy, ttl, sent, life.clone()));
                        let token = strategy.is_fenced().then_some(token);
                        return Ok((Hold::Redis { owned, life, keeper }, token));
                    }
                    owned.start_over();
                }
                Ok(Outcome::Busy { key, .. }) if patience == Patience::Once => return Err(Why::Busy { key }),
                Ok(Outcome::Busy { left, ticket, .. }) => owned.turn(left, ticket).await,
                // It has an epoch now.
                Ok(Outcome::Unfenced) => {}
                Err(fault) if patience == Patience::Once || fault.is_final() => return Err(Why::Fault(fault)),
                Err(fault) => {
                    self.0.trouble.set(strategy, fault);
                    owned.start_over();
                    pause().await;
                }
            }
        }
    }

    /// One attempt. What may have been taken is given back when `owned` is dropped or starts over.
    async fn attempt(&self, strategy: Strategy, owned: &mut Owned) -> Result<Outcome, Fault> {
        owned.arm();
        let outcome = if strategy == Strategy::RedisFenced {
            owned.holding.take_fenced().await?
        } else {
            owned.holding.take().await?
        };
        if outcome != Outcome::Unfenced {
            self.0.trouble.is_over();
        }
        match outcome {
            Outcome::Taken(_) => {}
            // Some of the servers may have been had.
            Outcome::Busy { .. } if strategy == Strategy::Redlock => {
                owned.holding.release().await;
                owned.was_refused();
            }
            Outcome::Busy { .. } => owned.was_refused(),
            Outcome::Unfenced => {
                owned.was_refused();
                let cluster = self.0.cluster.as_ref();
                let cluster = cluster.ok_or(Fault::Missing { strategy, what: "coordinators" })?;
                self.0.trouble.set(strategy, Fault::NoEpoch);
                Box::pin(self.0.redis[0].begin_epoch(cluster)).await?;
            }
        }
        Ok(outcome)
    }

    fn holding(&self, servers: &Arc<[Server]>, keys: &Keys) -> Holding {
        Holding::new(Arc::clone(servers), keys.clone(), Arc::clone(&self.0.holder), self.0.config.ttl)
    }

    fn cluster(&self, strategy: Strategy) -> Result<&Cluster, Why> {
        self.0.cluster.as_ref().ok_or(Why::Fault(Fault::Missing { strategy, what: "coordinators" }))
    }
}

/// The one of the plain and the fenced lock, and Redlock's.
pub(crate) fn servers(config: &Config) -> Result<[Arc<[Server]>; 2], ConfigError> {
    config.check()?;
    let redis = Server::new(&config.redis, &config.prefix, config.patience)?;
    let redlock = config.redlock.iter().map(|url| Server::new(url, &config.prefix, config.redlock_patience));
    Ok([Arc::new([redis]), redlock.collect::<Result<Vec<_>, _>>()?.into()])
}

/// How often it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    Once,
    UntilDeadline,
}
