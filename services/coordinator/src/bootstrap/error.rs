//! Why a member can't start with the flags and the data it has.

use std::{io, path::PathBuf};

use consensus::{log, store::RestoreError};

use crate::peers::JoinError;

/// Why a member can't start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The cluster as given doesn't name this member.
    #[error(
        "couldn't find local name {0:?} in the initial cluster configuration: give --name as it stands in --initial-cluster"
    )]
    NotInCluster(String),
    /// The flags contradict each other.
    #[error(
        "--initial-cluster has {name}={url} but missing from --initial-advertise-peer-urls={advertised}: both have to name the same addresses"
    )]
    NotAdvertised {
        /// This member's name.
        name: String,
        /// The address that only the cluster's list has.
        url: String,
        /// What the other flag says.
        advertised: String,
    },
    /// The flags contradict each other the other way round.
    #[error(
        "--initial-advertise-peer-urls has {url} but missing from --initial-cluster={name}={listed}: both have to name the same addresses"
    )]
    NotListed {
        /// This member's name.
        name: String,
        /// The address that the cluster's list lacks.
        url: String,
        /// What the list says of this member.
        listed: String,
    },
    /// Two members can't have the same address.
    #[error("--initial-cluster has duplicate url {0}: every member needs an address of its own")]
    DuplicateUrl(String),
    /// This member's data is gone, but the others know it.
    #[error(
        "member {id:x} has already been bootstrapped: it ran before, and its data directory is empty now. Restore the directory, \
         or remove the member, add it again, and start it with --initial-cluster-state=existing"
    )]
    AlreadyBootstrapped {
        /// The member.
        id: u64,
    },
    /// Nobody told who the members are.
    #[error("{0}: at least one of the other members in --initial-cluster must be running to join")]
    Join(#[from] JoinError),
    /// The cluster's members are others than given.
    #[error(
        "error validating peerURLs: the cluster has the members {found}, --initial-cluster names {expected}: add this member first \
         (etcdctl member add), then give the list that prints"
    )]
    OtherMembers {
        /// The addresses of those there are.
        found: String,
        /// Those given.
        expected: String,
    },
    /// The directory was filled by something else.
    #[error("the data directory {} was written by {what}: give an empty one with --data-dir", .path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// By what.
        what: &'static str,
    },
    /// The directory is another member's.
    #[error(
        "the data directory {} belongs to member {owner:x}, but --name and --initial-advertise-peer-urls are those of \
         member {other:x}: give each member its own --data-dir",
        .path.display()
    )]
    OtherMember {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u64,
        /// Who wants it.
        other: u64,
    },
    /// The file that names the owner is damaged.
    #[error(
        "{} can't be read ({reason}): restore it, or remove this member from the cluster and add it again with an empty data directory",
        .path.display()
    )]
    OwnerUnreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The directory can't be used.
    #[error("cannot use {}: {source}", .path.display())]
    Files {
        /// What was touched.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The log can't be used.
    #[error("{0}")]
    Log(#[from] log::Error),
    /// The snapshot doesn't make a store.
    #[error(
        "the snapshot {} can't be restored: {source}; remove this member from the cluster and add it again with an empty data directory",
        .path.display()
    )]
    Restore {
        /// The snapshot.
        path: PathBuf,
        /// What is wrong with it.
        source: RestoreError,
    },
}
