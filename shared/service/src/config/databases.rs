//! Where a service's database is.

use std::{fmt::Display, str::FromStr};

use super::{Reader, Secret};

/// Where a service's database is. What the URL of one is, is `D`'s to say.
#[derive(Debug, Clone)]
pub struct Databases<D> {
    /// The database.
    pub primary: D,
    /// What follows it, where anything does.
    pub replica: Option<D>,
}

impl<D: FromStr<Err: Display>> Databases<D> {
    /// Reads both URLs; `None` where the first is not set, or is wrong.
    pub fn read(env: &mut Reader) -> Option<Self> {
        let url = "PLUMBLINE_DATABASE_URL";
        let primary = env.required_secret(url, "postgres://user:password@host:port/database");
        let primary = primary.and_then(|text| of(env, url, &text));
        let url = "PLUMBLINE_DATABASE_REPLICA_URL";
        let help = "a database that follows it, for reads that it is new enough for; none is asked where it is not set";
        let replica = env.secret(url, help).and_then(|text| of(env, url, &text));
        Some(Self { primary: primary?, replica })
    }
}

/// A fault names the variable alone: the URL itself holds a password.
fn of<D: FromStr<Err: Display>>(env: &mut Reader, name: &str, url: &Secret) -> Option<D> {
    let form = "it should be postgres://user:password@host:port/database";
    url.expose().parse().map_err(|fault| env.fault(format!("{name}: {fault}; {form}"))).ok()
}
