//! What becomes of reservations that requests have made.

use std::time::Instant;

use contracts::{
    OrderId, Timestamp,
    consistency::Written,
    stock::{
        Reservation,
        ReservationStatus::{Confirmed, Held},
    },
};
use sqlx::{Connection as _, PgConnection};
use telemetry::{
    context::TraceContext,
    names::{shop, wait},
    spans::{self, in_statement},
};

use super::{ChangeError, Error, Store, give_back::give_back, reservations};
use crate::{domain::Stood, locking::Access};

/// What became of a reservation that was to be given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// The reservation as it now is.
    pub reservation: Option<Written<Reservation>>,
    /// Whether it is this that gave it back.
    pub released: bool,
    /// See [`crate::domain::Decided::violations`].
    pub violations: u64,
}

impl Store {
    /// The reservation under an id, whoever made it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn stood(&self, id: OrderId) -> Result<Option<Written<Stood>>, Error> {
        let mut connection = self.pool.acquire().await?;
        Ok(stood(&mut connection, id).await?)
    }

    /// Confirms a reservation that a request has made, if it is HELD, and answers what is there now. No stock moves.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn confirm_direct(
        &self,
        id: OrderId,
        trace: Option<TraceContext>,
    ) -> Result<Option<Written<Stood>>, Error> {
        let mut span = spans::transaction("confirm reservation", trace);
        span.set(shop::ORDER_ID, &id.to_string());
        let (trace, began) = (span.context(), Instant::now());
        let confirming = async {
            let mut connection = self.pool.acquire().await?;
            span.set(wait::POOL, began.elapsed());
            let confirming = reservations::confirm_direct(&mut connection, id);
            let confirmed = in_statement("UPDATE reservations", trace, confirming).await?;
            span.set(shop::OUTCOME, if confirmed { "confirmed" } else { "unchanged" });
            in_statement("SELECT reservations", trace, stood(&mut connection, id)).await
        };
        let confirmed = confirming.await.map_err(Error::from);
        confirmed.inspect_err(|fault| span.fail("database", fault))
    }

    /// Gives back what a reservation holds that a request has made and that is found live, HELD or CONFIRMED. `access` is to
    /// the stock of its SKUs.
    ///
    /// # Errors
    /// A later holder of the lock has stored, and those of the database; then nothing has happened.
    pub async fn release_direct(
        &self,
        reservation: Reservation,
        access: &Access,
        trace: Option<TraceContext>,
    ) -> Result<Returned, ChangeError> {
        let mut span = spans::transaction("release reservation", trace);
        span.set(shop::ORDER_ID, &reservation.order_id.to_string());
        let (trace, began, id) = (span.context(), Instant::now(), reservation.order_id);
        let releasing = async {
            let mut connection = self.pool.acquire().await?;
            span.set(wait::POOL, began.elapsed());
            let mut transaction = connection.begin().await?;
            self.told.enter(&mut transaction, access).await?;
            let lines = [(id, reservation.lines)].into();
            let live = [Held, Confirmed];
            let given = give_back(&mut transaction, lines, &live, access, (Timestamp::now(), trace)).await?;
            let stood = in_statement("SELECT reservations", trace, stood(&mut transaction, id)).await?;
            in_statement("COMMIT", trace, transaction.commit()).await?;
            self.told.done(access);
            self.gave_back(&given);
            let (released, violations) = (!given.released.is_empty(), given.violations);
            let reservation = stood.map(|stood| stood.map(|stood| stood.reservation));
            Ok(Returned { reservation, released, violations })
        };
        let returned: Result<Returned, ChangeError> = releasing.await;
        match &returned {
            Ok(returned) => span.set(shop::OUTCOME, if returned.released { "released" } else { "unchanged" }),
            Err(fault) => span.fail(fault.class(), fault),
        }
        returned
    }
}

async fn stood(connection: &mut PgConnection, id: OrderId) -> Result<Option<Written<Stood>>, sqlx::Error> {
    Ok(reservations::stood(connection, [id].into_iter()).await?.remove(&id))
}
