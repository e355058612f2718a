//! What is told while a shop starts and stops.

use std::{fmt, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

/// Something was done to a part, or is about to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// The part, as people name it.
    pub part: String,
    /// What was done.
    pub action: Action,
    /// How long it took; nothing where it is about to be done.
    pub took: Duration,
    /// Where it is, or what is to know about it.
    pub detail: String,
}

/// What was done to a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is being built, which takes minutes.
    Building,
    /// It is installed.
    Installed,
    /// It is up and answers.
    Ready,
    /// It is down.
    Stopped,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Building => "builds",
            Self::Installed => "installed",
            Self::Ready => "ready",
            Self::Stopped => "stopped",
        })
    }
}

/// Who is told of each [`Step`], as it is done.
pub type Observer = Arc<dyn Fn(Step) + Send + Sync>;
