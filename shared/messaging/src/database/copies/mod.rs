//! The copies of a service's database: the primary, and a replica where there is one. A read goes to whichever is new enough
//! for what it asks, the replica first.
//!
//! A statement that may be answered by any copy says with its rows how new they are, in one snapshot (see [`sighted`]): there
//! is no time between the look at the clock and the look at the data.

mod replica;
mod sight;
mod watch;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use contracts::consistency::{Answer, Copy, Demand, Level, Served};
use opentelemetry::KeyValue;
use sqlx::PgPool;

pub(crate) use self::replica::Measured;
use self::replica::Replica;
pub use self::{
    replica::Following,
    sight::{Found, Sight, Writing, position, shown},
};
use super::Error;
use crate::metric_definitions::METRICS;

const IDENTITY: &str =
    "SELECT system_identifier, (SELECT oid::bigint FROM pg_database WHERE datname = current_database())
       FROM pg_control_system()";

/// Which database it is that copies are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The identifier of the database cluster, which all copies have in common and no other has.
    pub cluster: u64,
    /// The number of the database in it: one that is made anew has another.
    pub database: u64,
}

impl std::fmt::Display for Identity {
    /// As hexadecimal numbers: `66a1c0ffee.4001`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}.{:x}", self.cluster, self.database)
    }
}

/// A statement on its way at a copy.
pub trait Asking<T>: Future<Output = Result<Found<T>, sqlx::Error>> {}

impl<T, F: Future<Output = Result<Found<T>, sqlx::Error>>> Asking<T> for F {}

/// The copies of a database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Copies {
    primary: PgPool,
    replica: Option<Arc<Replica>>,
    durable: Arc<Durable>,
}

/// The greatest position of a write that is known to be on the primary's disk.
///
/// A transaction's id that never came to the disk, because it was rolled back, can be given again after a crash. Up to here
/// none can: what is claimed to be seen is cut off here, and whoever asks for a later write is not answered by a claim of
/// before the crash. (When the server was started would not tell: it lives on when it recovers from the crash of one of its
/// processes.)
#[derive(Debug, Default)]
struct Durable(AtomicU64);

impl Durable {
    /// Notes a write that was acknowledged or shown: it is on the disk then.
    fn note(&self, position: u64) {
        self.0.fetch_max(position, Ordering::Relaxed);
    }

    fn cut(&self, sees: u64) -> u64 {
        sees.min(self.0.load(Ordering::Relaxed))
    }
}

impl Copies {
    /// Of a primary, and of what follows it.
    pub fn new(primary: &PgPool, following: Option<&Following>) -> Self {
        let durable = Arc::<Durable>::default();
        let replica = following.map(|following| Replica::watched(following, primary, &durable));
        Self { primary: primary.clone(), replica, durable }
    }

    /// Which database this is.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn identity(&self) -> Result<Identity, Error> {
        let (cluster, database): (i64, i64) = sqlx::query_as(IDENTITY).fetch_one(&self.primary).await?;
        Ok(Identity { cluster: cluster.cast_unsigned(), database: database.cast_unsigned() })
    }

    /// Notes the position of a write that was committed.
    pub fn wrote(&self, position: u64) {
        self.durable.note(position);
    }

    /// Has a statement answered by a copy that is new enough. It is asked of the replica where that has come as far as is
    /// asked, by the last that is known of it, and counts if the answer itself says so; else, and where the replica fails,
    /// of the primary; and where that fails, once more of the replica.
    ///
    /// # Errors
    /// Those of the primary.
    pub async fn read<T, F: Asking<T>>(
        &self,
        demand: &Demand,
        statement: impl Fn(PgPool) -> F,
    ) -> Result<Answer<T>, Error> {
        if let Some(token) = demand.token {
            self.durable.note(token.written.max(token.read));
        }
        let of_replica = match &self.replica {
            Some(replica) => replica.read(demand, &statement).await,
            None => None,
        };
        let answer = match of_replica {
            Some(answer) => answer,
            None => match (statement(self.primary.clone()).await.map_err(Error::from), &self.replica) {
                (Ok(found), _) => self.of_primary(found),
                (Err(error), Some(replica)) if error.is_transient() => {
                    replica.rescue(demand, &statement).await.ok_or(error)?
                }
                (Err(error), _) => return Err(error),
            },
        };
        count(demand.level, answer.served.by);
        Ok(answer)
    }

    fn of_primary<T>(&self, Found { value, sight }: Found<T>) -> Answer<T> {
        self.durable.note(sight.shows);
        let (sees, age) = (self.durable.cut(sight.sees), Duration::ZERO);
        Answer { value, served: Served { by: Copy::Primary, sees, shows: sight.shows, age } }
    }

    /// Ends the connections to the replica; those to the primary are its pool's.
    pub async fn close(&self) {
        if let Some(replica) = &self.replica {
            replica.close().await;
        }
    }
}

fn count(level: Level, by: Copy) {
    let attributes =
        [KeyValue::new("plumbline.consistency", level.as_str()), KeyValue::new("plumbline.served_by", by.as_str())];
    METRICS.copies.reads.add(1, &attributes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_claimed_beyond_what_is_known_to_be_on_the_disk() {
        let durable = Durable::default();
        assert_eq!(durable.cut(100), 0);
        durable.note(90);
        durable.note(70);
        assert_eq!((durable.cut(100), durable.cut(80)), (90, 80));
    }
}
