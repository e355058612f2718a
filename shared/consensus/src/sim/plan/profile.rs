use std::{fmt, str::FromStr};

/// What a run concentrates on. Each meets mistakes that the others rarely do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Little goes wrong: members and clients do what they do every day, and fast.
    Calm,
    /// The network loses, doubles and delays, and falls apart.
    Lossy,
    /// Processes end and machines lose power, at the worst moments.
    Crashing,
    /// Leaders don't last.
    Elections,
    /// Members come and go.
    Membership,
    /// Disks are slow, full, or fail.
    Disks,
    /// Clocks drift and processes stand still while locks are held.
    Leases,
}

impl Profile {
    /// Every profile, in the order of their declaration.
    pub const ALL: [Self; 7] =
        [Self::Calm, Self::Lossy, Self::Crashing, Self::Elections, Self::Membership, Self::Disks, Self::Leases];

    /// The profile of a seed: one after the other.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self::ALL[(seed % Self::ALL.len() as u64) as usize]
    }

    /// The name on a command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Lossy => "lossy",
            Self::Crashing => "crashing",
            Self::Elections => "elections",
            Self::Membership => "membership",
            Self::Disks => "disks",
            Self::Leases => "leases",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// No profile has this name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no profile is called {0:?}")]
pub struct UnknownProfile(String);

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let named = Self::ALL.into_iter().find(|profile| profile.name() == name);
        named.ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}
