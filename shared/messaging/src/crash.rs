//! Points at which a test can have the process die, in debug builds only.

/// Ends the process at once, as `kill -9` would, when `PLUMBLINE_CRASH_AT` names this point: `name` for the first
/// time it comes by, `name:3` for the third. Does nothing in a release build.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    };

    static WANTED: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let wanted = std::env::var("PLUMBLINE_CRASH_AT").ok()?;
        let (name, nth) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((name.to_owned(), nth.parse().unwrap_or(1)))
    });
    static SEEN: AtomicU32 = AtomicU32::new(0);

    if let Some((wanted, nth)) = &*WANTED
        && wanted == name
        && SEEN.fetch_add(1, Ordering::Relaxed) + 1 == *nth
    {
        tracing::error!(point = name, "crashing on request");
        std::process::abort();
    }
}

/// Does nothing: crash points exist in debug builds only.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_name: &str) {}
