//! What can be wrong with a request. The texts are etcd's: clients match them.

/// Why a command or a read was refused. A refused command has changed nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The revision is older than what history holds.
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted,
    /// The revision doesn't exist yet.
    #[error("etcdserver: mvcc: required revision is a future revision")]
    FutureRevision,
    /// A put that keeps the value or the lease needs a key that exists.
    #[error("etcdserver: key not found")]
    KeyNotFound,
    /// There is no such lease (any more); the identifier 0 stands for none.
    #[error("etcdserver: requested lease not found")]
    LeaseNotFound,
    /// Somebody holds a lease with this identifier.
    #[error("etcdserver: lease already exists")]
    LeaseExists,
    /// More than [`MAX_LEASE_TTL`](super::MAX_LEASE_TTL) seconds.
    #[error("etcdserver: too large lease TTL")]
    LeaseTtlTooLarge,
    /// The alarm NOSPACE is active: only what makes room passes.
    #[error("etcdserver: mvcc: database space exceeded")]
    NoSpace,
    /// The alarm CORRUPT is active: nothing passes but alarms and what concerns members.
    #[error("etcdserver: corrupt cluster")]
    Corrupt,
    /// The command has no operation: a newer version of this program wrote it.
    #[error("the command has no known operation")]
    UnknownCommand,
    /// A transaction with writes was given to a function that only reads.
    #[error("the transaction writes")]
    NotReadOnly,
}
