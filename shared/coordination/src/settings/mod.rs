//! Typed settings that change while services run.
//!
//! A service [defines](Definitions::define) its settings, which gives it a [`Setting`] each, and [follows](follow) the
//! store. Operators read and [set](Control::set) them through [`Control`], which checks against what services have
//! published. In the store:
//!
//! | key | value |
//! |---|---|
//! | `<prefix>/settings/<name>` | the value as text; none is the default |
//! | `<prefix>/setting-definitions/<name>` | a [`Definition`] as JSON |
//! | `<prefix>/settings-history/<name>/<time>-<id>` | a change as JSON: who, when, from, to |

mod control;
mod definition;
mod follow;
mod setting;
mod shape;

pub use self::{
    control::{Change, Control, SetError},
    definition::{Definition, Kind, Refusal},
    follow::{Follower, follow},
    setting::{DefineError, Definitions, Setting},
    shape::{Choice, Flag, Integer, Milliseconds, Ratio, Shape},
};

/// The kinds of these keys.
const VALUES: &str = "settings";
const DEFINITIONS: &str = "setting-definitions";
const HISTORY: &str = "settings-history";
