//! How new an answer has to be, and how a caller says so.
//!
//! A read names a [`Level`] in the header [`LEVEL`]. What a session has written and has seen stands in a [`Token`], which
//! answers carry in the header [`SESSION`] and the caller sends back. The session guarantees are those of Terry et al.,
//! *Session Guarantees for Weakly Consistent Replicated Data* (1994): read your writes is `session`, and, with what was read
//! in addition, `monotonic`.
//!
//! A token says so in positions: PostgreSQL's 64-bit transaction ids, which a primary and its replicas share. The position of
//! a write is the id of its transaction + 1, and a copy has seen it when the oldest transaction that still runs there, the
//! `xmin` of its snapshots, has come as far.

mod answer;
mod copy;
mod demand;
mod key;
mod level;
mod token;

pub use self::{
    answer::{Answer, Served, Written},
    copy::Copy,
    demand::Demand,
    key::Key,
    level::{InvalidLevel, Level},
    token::{InvalidToken, Token},
};

/// The header in which a read names its [`Level`].
pub const LEVEL: &str = "Plumbline-Consistency";
/// The header that carries a session's [`Token`], both ways.
pub const SESSION: &str = "Plumbline-Session";
/// The header in which an answer names the [`Copy`] it comes from.
pub const SERVED_BY: &str = "Plumbline-Served-By";
/// The header in which an answer says how old it may be: that it shows nothing older than so many milliseconds before it was
/// made. `Age` has the same in whole seconds (RFC 9111, section 5.1).
pub const AGE_MS: &str = "Plumbline-Age-Ms";
/// The header that holds the version of what is answered: of one thing its own, else the position of the newest write that
/// the answer shows.
pub const VERSION: &str = "Plumbline-Version";
