//! Databases and their roles.

use sqlx::{ConnectOptions, Connection, Executor, PgConnection, Row};

use super::{AUDITOR, Postgres};
use crate::install::SUPERUSER;

/// The longest identifier of PostgreSQL, in bytes (NAMEDATALEN - 1).
const LONGEST: usize = 63;

/// A database was not made.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The name needs quoting, which leads to mistakes later.
    #[error(
        "{0:?} is no name for a database or role: a to z, 0 to 9 and _, beginning with a letter, at most 63 characters"
    )]
    Name(String),
    /// PostgreSQL refused, or is not there.
    #[error("the database can't be made: {0}")]
    Postgres(#[from] sqlx::Error),
}

impl Postgres {
    /// Makes a database and the role that owns it, unless they are there, and returns its URL, which holds the role's
    /// password. No other role can connect to the database, but for the one of
    /// [`read_only_url`](Self::read_only_url).
    ///
    /// # Errors
    /// A name is not plain, or PostgreSQL does not answer.
    pub async fn create_database(&self, name: &str, role: &str) -> Result<String, DatabaseError> {
        for name in [name, role] {
            check(name)?;
        }
        let mut connection = self.connect_quietly().await?;
        self.ensure_role(&mut connection, role).await?;
        self.ensure_database(&mut connection, name, role).await?;
        connection.close().await?;
        Ok(self.url(name, role))
    }

    /// A connection of the superuser. Should a statement be slow or fail, the log does not quote it: it may hold a password.
    pub(in crate::servers) async fn connect_quietly(&self) -> sqlx::Result<PgConnection> {
        let quiet = [("log_min_duration_statement", "-1"), ("log_min_error_statement", "panic")];
        self.options(SUPERUSER, "postgres").options(quiet).connect().await
    }

    async fn ensure_role(&self, connection: &mut PgConnection, role: &str) -> sqlx::Result<()> {
        self.ensure_role_that(connection, role, "").await
    }

    /// Makes a role, unless it is there, that may do something more than to log in.
    pub(in crate::servers) async fn ensure_role_that(
        &self,
        connection: &mut PgConnection,
        role: &str,
        may: &str,
    ) -> sqlx::Result<()> {
        let known = sqlx::query("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)").bind(role);
        if known.fetch_one(&mut *connection).await?.get(0) {
            return Ok(());
        }
        let statement = format!("CREATE ROLE {role} LOGIN {may} PASSWORD '{}'", self.verifier(role));
        connection.execute(sqlx::AssertSqlSafe(statement)).await.map(drop)
    }

    async fn ensure_database(&self, connection: &mut PgConnection, name: &str, role: &str) -> sqlx::Result<()> {
        let known = sqlx::query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(name);
        if !known.fetch_one(&mut *connection).await?.get::<bool, _>(0) {
            let statement = format!("CREATE DATABASE {name} OWNER {role}");
            connection.execute(sqlx::AssertSqlSafe(statement)).await?;
        }
        let grants = format!(
            "REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {AUDITOR}"
        );
        connection.execute(sqlx::AssertSqlSafe(grants)).await.map(drop)
    }
}

fn check(name: &str) -> Result<(), DatabaseError> {
    let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let good = plain && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= LONGEST;
    if good { Ok(()) } else { Err(DatabaseError::Name(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in ["plumbline_order", "t1"] {
            assert!(check(good).is_ok());
        }
        for bad in ["", "1t", "a-b", "A", "a; DROP", "ä", &"a".repeat(64)] {
            assert!(matches!(check(bad), Err(DatabaseError::Name(name)) if name == bad));
        }
    }
}
