//! What every run is told.

use std::{fmt, path::PathBuf, time::Duration};

use contracts::OrderId;
use hyper::header::HeaderValue;

use super::Gate;
use crate::http::{Retry, Targets};

/// The most connections a run opens.
pub(super) const MAX_CONNECTIONS: usize = 4_096;
/// The most orders a run holds in memory, and the most it places.
pub(super) const MAX_ORDERS: u64 = 50_000_000;
/// The longest a run sends.
pub(super) const MAX_SENDING: Duration = Duration::from_secs(24 * 60 * 60);

/// Text that no `Authorization` header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operator token must be visible ASCII")]
pub struct InvalidToken;

/// The operator token, which changing products and stock needs. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct OperatorToken(HeaderValue);

impl OperatorToken {
    /// Takes the token's text.
    ///
    /// # Errors
    /// Where no header can carry it.
    pub fn new(token: &str) -> Result<Self, InvalidToken> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| InvalidToken)?;
        bearer.set_sensitive(true);
        Ok(Self(bearer))
    }

    pub(crate) fn bearer(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for OperatorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorToken")
    }
}

/// Where a run ends, whatever its plan says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// After so many orders.
    pub orders: u64,
    /// After sending for so long.
    pub sending: Duration,
}

impl Default for Limit {
    /// A million orders, ten minutes.
    fn default() -> Self {
        Self { orders: 1_000_000, sending: Duration::from_secs(600) }
    }
}

/// How a run is driven.
#[derive(Debug, Clone)]
pub struct Drive {
    /// The run's name: it begins every idempotency key, so a run repeated under the same name places nothing twice.
    pub run: String,
    /// The order service's instances.
    pub orders: Targets,
    /// Connections to them. Each carries one request at a time, so it is also how many orders can be under way.
    pub connections: usize,
    /// How many orders may be planned and not yet answered, those waiting for a connection among them; what is planned
    /// beyond is dropped and counted.
    pub in_flight: usize,
    /// Where the run ends.
    pub limit: Limit,
    /// How unanswered requests are sent again.
    pub retry: Retry,
    /// How long to wait, after the last acknowledgement, until every acknowledged order is final.
    pub settle_within: Duration,
    /// Where acknowledgements are written, see [`crate::ledger`].
    pub ledger: Option<PathBuf>,
    /// What to wait for before the first order, so that several drivers begin together.
    pub gate: Option<Gate>,
}

/// Settings that make no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDrive {
    /// No, or too many, connections.
    #[error("connections must be 1 to {MAX_CONNECTIONS}")]
    Connections,
    /// Fewer in flight than there are connections, or more than fit in memory.
    #[error("the in-flight cap must be at least the number of connections, and at most 1,000,000")]
    InFlight,
    /// No, or too many, orders.
    #[error("the limit of orders must be 1 to {MAX_ORDERS}")]
    Orders,
    /// No time, or too long.
    #[error("the limit of time must be above 0 and at most 24 hours")]
    Sending,
    /// A name that makes no idempotency key.
    #[error("the run's name must be 1 to 128 visible ASCII characters")]
    Run,
}

impl Drive {
    /// A run with a fresh name and usual settings: 256 connections, 10,000 in flight, at most a million orders and ten
    /// minutes, a minute to settle, no ledger, nobody to begin with.
    pub fn new(orders: Targets) -> Self {
        Self {
            run: OrderId::generate().as_uuid().simple().to_string(),
            orders,
            connections: 256,
            in_flight: 10_000,
            limit: Limit::default(),
            retry: Retry::default(),
            settle_within: Duration::from_secs(60),
            ledger: None,
            gate: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), InvalidDrive> {
        let name = 1..=128;
        match self {
            Self { connections: 0, .. } => Err(InvalidDrive::Connections),
            Self { connections, .. } if *connections > MAX_CONNECTIONS => Err(InvalidDrive::Connections),
            Self { in_flight, connections, .. } if !(*connections..=1_000_000).contains(in_flight) => {
                Err(InvalidDrive::InFlight)
            }
            Self { limit, .. } if !(1..=MAX_ORDERS).contains(&limit.orders) => Err(InvalidDrive::Orders),
            Self { limit, .. } if limit.sending.is_zero() || limit.sending > MAX_SENDING => Err(InvalidDrive::Sending),
            Self { run, .. } if !name.contains(&run.len()) || !run.bytes().all(|b| b.is_ascii_graphic()) => {
                Err(InvalidDrive::Run)
            }
            _ => Ok(()),
        }
    }

    /// The idempotency key of one of the run's requests.
    pub(crate) fn key(&self, of: impl fmt::Display) -> HeaderValue {
        key(format!("{}-{of}", self.run))
    }
}

/// A key of visible ASCII parts.
pub(crate) fn key(text: String) -> HeaderValue {
    let visible: String = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '_' }).collect();
    HeaderValue::try_from(visible).expect("visible ASCII is a legal header value")
}
