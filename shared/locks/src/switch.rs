//! Going over from one strategy to another, with no moment at which two of them guard.
//!
//! A process takes locks by one strategy at a time: it gives back all it holds by the old one, says at the coordinators which
//! one it goes over to, and takes by that when everybody who says anything says the same. Of two who want different ones
//! each has announced before it looks, so that at least one sees the other and waits. What was announced stands on a lease:
//! whoever loses it has lost its locks with it, before the others can see it gone.

use std::{sync::Arc, time::Duration};

use coordination::{Cluster, Name, epoch, lease::Life, presence, presence::Presence, settings::Setting};
use tokio::{
    sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock},
    time::sleep,
};

use crate::{Strategy, Token, metric_definitions::METRICS, server::EPOCHS};

/// What members speak about.
const TOPIC: Name = Name::literal("locks.strategy");
/// Between attempts to be a member again, and looks at whether this process is.
const PAUSE: Duration = Duration::from_millis(20);

/// Which strategy is in force here, and who uses it.
#[derive(Debug, Clone)]
pub(crate) struct Gate(Arc<RwLock<Option<InForce>>>);

#[derive(Debug, Clone)]
struct InForce {
    strategy: Strategy,
    /// How often this process has gone over before.
    term: u64,
    /// While it lives no other process guards by another strategy. None where the strategy is fixed.
    member: Option<Life>,
}

/// The right to lock by the strategy in force, which does not change while this is held.
#[derive(Debug)]
pub(crate) struct Permit {
    _using: OwnedRwLockReadGuard<Option<InForce>>,
    in_force: InForce,
}

impl Permit {
    pub(crate) fn strategy(&self) -> Strategy {
        self.in_force.strategy
    }

    pub(crate) fn term(&self) -> u64 {
        self.in_force.term
    }

    pub(crate) fn is_member(&self) -> bool {
        self.in_force.is_alive()
    }

    pub(crate) async fn membership_lost(&self) {
        match &self.in_force.member {
            Some(life) => life.lost().await,
            None => std::future::pending().await,
        }
    }
}

impl InForce {
    fn is_alive(&self) -> bool {
        self.member.as_ref().is_none_or(Life::is_alive)
    }
}

impl Gate {
    /// Of one strategy for ever.
    pub(crate) fn fixed(strategy: Strategy) -> Self {
        Self(Arc::new(RwLock::new(Some(InForce { strategy, term: 0, member: None }))))
    }

    /// Of what a setting says, when all members agree; what keeps it so.
    pub(crate) fn following(
        cluster: Cluster,
        setting: Setting<Strategy>,
        membership: Duration,
        observe: impl Fn(Token) + Send + Sync + 'static,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let gate = Arc::new(RwLock::new(None));
        let closed = Arc::clone(&gate).try_write_owned().ok();
        let switch = Switch { cluster, setting, membership, gate: Arc::clone(&gate), observe: Box::new(observe) };
        (Self(gate), switch.run(closed))
    }

    /// Waits for a strategy to be in force.
    pub(crate) async fn enter(&self) -> Permit {
        loop {
            let using = Arc::clone(&self.0).read_owned().await;
            if let Some(permit) = permit(using) {
                return permit;
            }
            // Who keeps it has not found out yet.
            sleep(PAUSE).await;
        }
    }

    /// The strategy that is in force at this moment.
    pub(crate) fn try_enter(&self) -> Option<Permit> {
        permit(Arc::clone(&self.0).try_read_owned().ok()?)
    }
}

fn permit(using: OwnedRwLockReadGuard<Option<InForce>>) -> Option<Permit> {
    let in_force = using.clone().filter(InForce::is_alive)?;
    Some(Permit { _using: using, in_force })
}

struct Switch {
    cluster: Cluster,
    setting: Setting<Strategy>,
    membership: Duration,
    gate: Arc<RwLock<Option<InForce>>>,
    observe: Box<dyn Fn(Token) + Send + Sync>,
}

type Closed = OwnedRwLockWriteGuard<Option<InForce>>;

impl Switch {
    async fn run(mut self, closed: Option<Closed>) {
        let mut closed = closed;
        for term in 0.. {
            // Waits for those who hold locks, and keeps those out who want some.
            let mut gate = match closed.take() {
                Some(gate) => gate,
                None => Arc::clone(&self.gate).write_owned().await,
            };
            *gate = None;
            let (strategy, presence) = self.agree().await;
            *gate = Some(InForce { strategy, term, member: Some(presence.life().clone()) });
            drop(gate);
            METRICS.switches.add(1, &[]);
            tracing::info!(%strategy, "locks are taken by another strategy");
            self.stays(strategy, &presence).await;
            let gate = Arc::clone(&self.gate).write_owned().await;
            presence.withdraw().await;
            closed = Some(gate);
        }
    }

    /// Announces what the setting says until all say the same.
    async fn agree(&mut self) -> (Strategy, Presence) {
        loop {
            let strategy = self.setting.get();
            match Presence::announce(&self.cluster, &TOPIC, strategy.word(), self.membership).await {
                Ok(presence) => {
                    let agreed = tokio::select! {
                        agreed = agreement(&self.cluster, strategy, &*self.observe) => agreed,
                        () = presence.life().lost() => false,
                        () = differs(&mut self.setting, strategy) => false,
                    };
                    if agreed && presence.life().is_alive() {
                        return (strategy, presence);
                    }
                    presence.withdraw().await;
                }
                Err(error) => tracing::warn!(%error, "can't say which strategy this process locks by"),
            }
            sleep(PAUSE).await;
        }
    }

    /// Waits until the setting is another, or this process is no member any more.
    async fn stays(&mut self, strategy: Strategy, presence: &Presence) {
        tokio::select! {
            () = differs(&mut self.setting, strategy) => {}
            () = presence.life().lost() => tracing::warn!("no coordinator has answered: locks wait until one does"),
        }
    }
}

/// Waits until all say the same, and makes later tokens greater than all of whatever was in force before.
async fn agreement(cluster: &Cluster, strategy: Strategy, observe: &(dyn Fn(Token) + Send + Sync)) -> bool {
    presence::unanimous(cluster, &TOPIC, strategy.word()).await;
    if !strategy.is_fenced() {
        return true;
    }
    match epoch::next(cluster, &EPOCHS).await {
        Ok(number) => {
            Token::new(number, 0).into_iter().for_each(observe);
            true
        }
        Err(error) => {
            tracing::warn!(%error, "no epoch for another strategy");
            false
        }
    }
}

async fn differs(setting: &mut Setting<Strategy>, strategy: Strategy) {
    while setting.get() == strategy {
        setting.changed().await;
    }
}
