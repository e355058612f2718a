//! The locks by which buckets are owned: session-level advisory locks on one connection, gone when that is gone.

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::plan::{Buckets, Seen};

/// First keys of the two-part advisory locks: of buckets, of living relays (each on its own backend's number), and of
/// buckets that an elected owner wants while another instance has them.
const BUCKET: i32 = 0x504C_0001;
const RELAY: i32 = 0x504C_0002;
const WANTED: i32 = 0x504C_0003;

const LOOK: &str = "SELECT classid::bigint, objid::bigint, pid = pg_backend_pid() FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid::bigint = ANY($1)
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// A connection, and the locks it holds.
pub(super) struct Locks(PgConnection);

impl Locks {
    /// Connects, and counts as a living relay from then on.
    pub(super) async fn connect(database: &PgConnectOptions) -> Result<Self, sqlx::Error> {
        let mut connection = PgConnection::connect_with(database).await?;
        sqlx::query("SELECT pg_advisory_lock($1, pg_backend_pid())").bind(RELAY).execute(&mut connection).await?;
        Ok(Self(connection))
    }

    /// The locks of all relays.
    pub(super) async fn look(&mut self) -> Result<Seen, sqlx::Error> {
        let classes = [BUCKET, RELAY, WANTED].map(i64::from);
        let rows: Vec<(i64, i64, bool)> = sqlx::query_as(LOOK).bind(classes.as_slice()).fetch_all(&mut self.0).await?;
        let mut seen = Seen::default();
        for (class, number, own) in rows {
            let bucket = u16::try_from(number).ok();
            let set = match i32::try_from(class) {
                Ok(RELAY) => {
                    seen.relays += 1;
                    continue;
                }
                Ok(BUCKET) if own => &mut seen.owned,
                Ok(BUCKET) => &mut seen.elsewhere,
                Ok(WANTED) if own => &mut seen.wanted,
                _ => &mut seen.wanted_elsewhere,
            };
            set.extend(bucket);
        }
        Ok(seen)
    }

    /// Takes a bucket; whether nobody else had it.
    pub(super) async fn take(&mut self, bucket: u16) -> Result<bool, sqlx::Error> {
        self.lock(BUCKET, bucket).await
    }

    pub(super) async fn give_up(&mut self, bucket: u16) -> Result<(), sqlx::Error> {
        self.unlock(BUCKET, bucket).await
    }

    /// Wants these buckets, and no others.
    pub(super) async fn want(&mut self, before: &Buckets, now: &Buckets) -> Result<(), sqlx::Error> {
        for bucket in before - now {
            self.unlock(WANTED, bucket).await?;
        }
        for bucket in now - before {
            // Where another wants it too, the one that has it will give it up as well.
            self.lock(WANTED, bucket).await?;
        }
        Ok(())
    }

    /// Gives everything up.
    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.0.close().await
    }

    async fn lock(&mut self, class: i32, bucket: u16) -> Result<bool, sqlx::Error> {
        let lock = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)").bind(class).bind(i32::from(bucket));
        lock.fetch_one(&mut self.0).await
    }

    async fn unlock(&mut self, class: i32, bucket: u16) -> Result<(), sqlx::Error> {
        let unlock = sqlx::query("SELECT pg_advisory_unlock($1, $2)").bind(class).bind(i32::from(bucket));
        unlock.execute(&mut self.0).await.map(drop)
    }
}
