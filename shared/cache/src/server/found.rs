//! What a server says of a key.

use memcache::exp::{Get, GetResult, GetStatus, Meta, Set};

use crate::register::Register;

/// What stands under a key, and by which number it can be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// Nothing stood there, and this reader alone was told to load: an empty item holds the place.
    Begin { cas: u64 },
    /// An empty item: another was told to load.
    Begun { cas: u64 },
    /// A register.
    There { cas: u64, register: Register },
}

/// Asks for a key.
pub(crate) fn look(key: &str) -> Get {
    Get::new(key).meta(Meta::default().cas())
}

/// Asks for a key, and tells one reader alone to load where nothing stands. The place is held for so many seconds.
pub(crate) fn look_or_begin(key: &str, lease_seconds: u32) -> Get {
    look(key).lease_ttl(lease_seconds)
}

/// Writes a register in place of what was found; refused where something else stands there now.
pub(crate) fn replace(key: &str, found: &Found, register: &Register, seconds: u32) -> Set {
    let set = Set::new(key, register.to_bytes()).ttl_raw(seconds);
    match found {
        Found::Nothing => set.add(),
        Found::Begin { cas } | Found::Begun { cas } | Found::There { cas, .. } => set.compare_cas(*cas),
    }
}

impl Found {
    pub(crate) fn of(result: GetResult) -> Self {
        // A server that gives no number gives one that replaces nothing.
        let cas = result.item.cas.unwrap_or_default();
        match result.status {
            GetStatus::Miss if result.won_lease() => Self::Begin { cas },
            GetStatus::Miss if result.lease_busy() => Self::Begun { cas },
            GetStatus::Pending => Self::Begun { cas },
            GetStatus::Miss => Self::Nothing,
            // What is no register is replaced by one.
            _ => {
                let register = result.value.as_deref().and_then(Register::from_bytes).unwrap_or_default();
                Self::There { cas, register }
            }
        }
    }

    /// What stands there; an empty register where nothing does.
    pub(crate) fn register(&self) -> Register {
        match self {
            Self::There { register, .. } => register.clone(),
            _ => Register::default(),
        }
    }
}
