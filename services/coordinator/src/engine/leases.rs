//! Leases are the leader's: it alone knows the time. Other members ask it.

use std::time::{Duration, Instant};

use super::{Engine, Input, ReadError};
use crate::peers::{Asked, Refused, Told};

/// The pause before a leader that could not be asked is asked again.
const ASK_AGAIN: Duration = Duration::from_millis(50);

const SECOND: u64 = 1_000_000_000;

impl Engine {
    /// Keeps a lease alive, through the leader. Returns its time to live in seconds; `None` where there is no such lease.
    ///
    /// # Errors
    /// When no leader answers within the request timeout.
    pub async fn keep_alive(&self, lease: i64) -> Result<Option<i64>, ReadError> {
        self.at_leader(Asked::KeepAlive(lease)).await
    }

    /// Whole seconds a lease has left by the leader's clock; `None` where there is no such lease.
    ///
    /// # Errors
    /// When no leader answers within the request timeout.
    pub async fn time_to_live(&self, lease: i64) -> Result<Option<i64>, ReadError> {
        self.at_leader(Asked::TimeToLive(lease)).await
    }

    async fn at_leader(&self, asked: Asked) -> Result<Option<i64>, ReadError> {
        let deadline = Instant::now() + self.limits().request_timeout;
        loop {
            if let Some(answer) = self.ask_leader(&asked, deadline).await? {
                return Ok(answer);
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    /// `None` when it has to be asked again.
    async fn ask_leader(&self, asked: &Asked, deadline: Instant) -> Result<Option<Option<i64>>, ReadError> {
        let leader = self.await_leader(deadline).await?;
        let told = if leader == self.identity().member_id {
            match asked {
                Asked::KeepAlive(lease) => self.keep_alive_here(*lease).await,
                Asked::TimeToLive(lease) => self.time_to_live_here(*lease).await,
                Asked::Promote(_) | Asked::Members(_) => return Err(ReadError::NotLeader),
            }
        } else {
            let asking = self.shared.peers.ask(leader, asked.clone());
            match tokio::time::timeout_at(deadline.into(), asking).await {
                Err(_) => return Err(ReadError::Timeout),
                Ok(Some(Told::Lease(told))) => Ok(told.found.then_some(told.seconds)),
                Ok(Some(Told::Refused(refused))) => {
                    let refused = Refused::try_from(refused).unwrap_or(Refused::NotNow);
                    Err(refused.to_read().unwrap_or(ReadError::NotLeader))
                }
                // It may be a leader no longer, or it can't be reached.
                Ok(_) => Err(ReadError::NotLeader),
            }
        };
        match told {
            Ok(answer) => Ok(Some(answer)),
            Err(ReadError::NotLeader) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until there is a leader.
    pub(super) async fn await_leader(&self, deadline: Instant) -> Result<u64, ReadError> {
        let mut leadership = self.leadership();
        let led = leadership.wait_for(|leadership| leadership.status.leader != 0);
        tokio::select! {
            led = tokio::time::timeout_at(deadline.into(), led) => match led {
                Ok(Ok(leadership)) => Ok(leadership.status.leader),
                Ok(Err(_)) => Err(ReadError::Stopped),
                Err(_) => Err(ReadError::NoLeader),
            },
            () = self.stopping() => Err(ReadError::Stopped),
        }
    }

    /// Keeps a lease alive on this member.
    ///
    /// # Errors
    /// [`ReadError::NotLeader`] when it does not lead, or did not all the while.
    pub(crate) async fn keep_alive_here(&self, lease: i64) -> Result<Option<i64>, ReadError> {
        let asked = self.ask(|caller| Input::KeepAlive(lease, Instant::now(), caller)).await;
        let confirmed = asked.unwrap_or(Err(ReadError::Stopped))?;
        if confirmed.led { Ok(confirmed.time_to_live) } else { Err(ReadError::NotLeader) }
    }

    /// Says what a lease has left by this member's clock.
    ///
    /// # Errors
    /// [`ReadError::NotLeader`] when it does not lead.
    pub(crate) async fn time_to_live_here(&self, lease: i64) -> Result<Option<i64>, ReadError> {
        // Without it, a leader that was replaced would speak for the one that is.
        self.confirm_read().await?;
        let remaining = self.ask(|caller| Input::LeaseRemaining(lease, caller)).await.ok_or(ReadError::Stopped)?;
        match remaining {
            Some(nanos) => Ok(Some(i64::try_from(nanos / SECOND).unwrap_or(i64::MAX))),
            None if self.status().is_leader => Ok(None),
            None => Err(ReadError::NotLeader),
        }
    }
}
