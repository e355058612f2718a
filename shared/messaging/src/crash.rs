//! Points at which a test can have the process die or stand still, in debug builds only.

/// Ends the process at once, as `kill -9` would, when `PLUMBLINE_CRASH_AT` names this point: `name` for the first
/// time it comes by, `name:3` for the third. `PLUMBLINE_STOP_AT` stops it in the same way, as `kill -STOP` would, until
/// it gets SIGCONT. Does nothing in a release build.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    use std::sync::LazyLock;

    static CRASH: LazyLock<Wanted> = LazyLock::new(|| Wanted::read("PLUMBLINE_CRASH_AT"));
    static STOP: LazyLock<Wanted> = LazyLock::new(|| Wanted::read("PLUMBLINE_STOP_AT"));

    if CRASH.is_now(name) {
        tracing::error!(point = name, "crashing on request");
        std::process::abort();
    }
    if STOP.is_now(name) {
        tracing::error!(point = name, "standing still on request");
        // It can be sent to oneself at any time.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
    }
}

/// The point that a variable names, and how often it has been come by.
#[cfg(debug_assertions)]
struct Wanted {
    point: Option<(String, u32)>,
    seen: std::sync::atomic::AtomicU32,
}

#[cfg(debug_assertions)]
impl Wanted {
    fn read(variable: &str) -> Self {
        let point = std::env::var(variable).ok().map(|wanted| {
            let (name, nth) = wanted.split_once(':').unwrap_or((&wanted, "1"));
            (name.to_owned(), nth.parse().unwrap_or(1))
        });
        Self { point, seen: std::sync::atomic::AtomicU32::new(0) }
    }

    fn is_now(&self, name: &str) -> bool {
        let Some((point, nth)) = &self.point else { return false };
        point == name && self.seen.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == *nth
    }
}

/// Does nothing: crash points exist in debug builds only.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn point(_name: &str) {}
