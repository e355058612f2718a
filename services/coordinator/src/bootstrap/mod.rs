//! How a member finds out who it is and what it knew: from its data directory, or, without one, from the flags.

mod cluster;
mod error;
mod identifiers;
mod identity;
mod recover;

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt as _, path::Path};

use consensus::{
    api::etcdserverpb::Member,
    disk::Real,
    log::{self, Log},
    node,
    store::{Limits, Store},
};

pub use self::error::BootstrapError;
use self::identity::Owner;
use crate::{
    config::{Bootstrap, ClusterState, Config},
    engine::Identity,
    peers::Tls,
};

/// A member ready to start.
pub struct Ready {
    /// Who it is.
    pub identity: Identity,
    /// How often it has started, this time included.
    pub boot: u64,
    /// What it knew when it stopped.
    pub recovered: node::Recovered,
    /// Its log.
    pub log: Log<Real>,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready").field("identity", &self.identity).field("boot", &self.boot).finish_non_exhaustive()
    }
}

/// Opens the data directory, or makes a new one.
///
/// # Errors
/// See [`BootstrapError`]; nothing of another member is touched.
pub async fn prepare(config: &Config, tls: Option<&Tls>) -> Result<Ready, BootstrapError> {
    let data = &config.data_dir;
    create(data)?;
    let limits = Limits { quota_bytes: config.quota_backend_bytes, max_txn_ops: config.max_txn_ops };
    if let Some(owner) = Owner::read(data)? {
        let (mut log, mut found) = open(data, owner)?;
        if found.snapshot.is_some() {
            let boot = found.boot;
            let recovered = recover::recover(&mut log, data, &mut found, limits)?;
            check_owner(config, owner, &recovered.store)?;
            return Ok(Ready { identity: identity(config, owner), boot, recovered, log });
        }
        // It ended before its first snapshot: nothing is promised to anybody yet.
        return begin(config, tls, limits, Some((owner, log, found))).await;
    }
    begin(config, tls, limits, None).await
}

/// Makes the directory of a member of a new cluster that begins with a store; returns the cluster and the member.
///
/// # Errors
/// When the flags contradict each other, or files can't be written.
pub(crate) fn begin_with(
    name: &str,
    data: &Path,
    flags: &Bootstrap,
    store: Store,
) -> Result<(u64, u64), BootstrapError> {
    let (owner, members) = cluster::begin(name, flags)?;
    create(data)?;
    let (mut log, _) = open(data, owner)?;
    recover::first(&mut log, data, owner, &members, store)?;
    log.close()?;
    // Last: without it nobody takes the directory for a member's, whatever has been written of it.
    owner.write(data)?;
    Ok((owner.cluster_id, owner.member_id))
}

fn create(data: &Path) -> Result<(), BootstrapError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|source| BootstrapError::Files { path: data.to_owned(), source })
}

/// Starts for the first time.
async fn begin(
    config: &Config,
    tls: Option<&Tls>,
    limits: Limits,
    begun: Option<(Owner, Log<Real>, log::Recovered)>,
) -> Result<Ready, BootstrapError> {
    let Config { name, data_dir: data, bootstrap: flags, .. } = config;
    let (owner, members) = first_members(name, flags, tls).await?;
    let (mut log, found) = match begun {
        Some((before, log, found)) if before == owner => (log, found),
        Some((before, ..)) => {
            let (path, owner, other) = (data.clone(), before.member_id, owner.member_id);
            return Err(BootstrapError::OtherMember { path, owner, other });
        }
        None => {
            owner.write(data)?;
            open(data, owner)?
        }
    };
    let mut recovered = match flags.initial_cluster_state {
        ClusterState::New => recover::first(&mut log, data, owner, &members, Store::new(limits))?,
        ClusterState::Existing => recover::joining(&members, limits),
    };
    if flags.initial_cluster_state == ClusterState::Existing {
        recovered.hard_state = found.hard_state;
        recovered.entries = found.entries;
    }
    Ok(Ready { identity: identity(config, owner), boot: found.boot, recovered, log })
}

async fn first_members(
    name: &str,
    flags: &Bootstrap,
    tls: Option<&Tls>,
) -> Result<(Owner, Vec<Member>), BootstrapError> {
    match flags.initial_cluster_state {
        ClusterState::New => {
            let (owner, members) = cluster::begin(name, flags)?;
            cluster::check_never_ran(owner, name, flags, tls).await?;
            Ok((owner, members))
        }
        ClusterState::Existing => cluster::join(name, flags, tls).await,
    }
}

/// Flags of the initial cluster mean nothing once there is data. But a directory that belongs to one member, and flags
/// that are wholly another's, are two directories mistaken for each other.
fn check_owner(config: &Config, owner: Owner, store: &Store) -> Result<(), BootstrapError> {
    let urls: Vec<&str> = config.bootstrap.initial_advertise_peer_urls.iter().map(|url| url.as_str()).collect();
    let is_meant = |member: &&Member| {
        member.name == config.name && member.peer_ur_ls.iter().any(|url| urls.contains(&url.as_str()))
    };
    match store.members().iter().find(is_meant) {
        Some(other) if other.id != owner.member_id => {
            let (path, owner, other) = (config.data_dir.clone(), owner.member_id, other.id);
            Err(BootstrapError::OtherMember { path, owner, other })
        }
        _ => Ok(()),
    }
}

fn open(data: &Path, owner: Owner) -> Result<(Log<Real>, log::Recovered), BootstrapError> {
    let identity = log::Identity { cluster_id: owner.cluster_id, member_id: owner.member_id };
    Ok(Log::open(Real, data, identity, log::Options::default())?)
}

fn identity(config: &Config, owner: Owner) -> Identity {
    Identity { cluster_id: owner.cluster_id, member_id: owner.member_id, name: config.name.clone() }
}
