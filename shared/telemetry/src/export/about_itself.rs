//! Whether what is logged here is about the sending of logs: that is written to standard error alone.

use std::cell::Cell;

thread_local!(static ABOUT_ITSELF: Cell<bool> = const { Cell::new(false) });

/// This thread sends telemetry from now on.
pub(crate) fn begin() {
    ABOUT_ITSELF.set(true);
}

/// Whether this thread sends telemetry.
pub(crate) fn is() -> bool {
    ABOUT_ITSELF.get()
}
