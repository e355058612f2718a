//! The line of those who wait for a key, as processes see it. What happens in it stands in `scripts/line.lua`.

use std::time::Duration;

use tokio::time::Instant;

/// How long one counts as waiting who has not asked again: by so much one that stands still delays those behind it.
pub(crate) const WAITS: Duration = Duration::from_millis(600);
/// How often one who waits asks again by itself.
pub(crate) const REFRESH: Duration = Duration::from_millis(200);
/// How long a line lasts in which nobody new stands.
pub(crate) const LASTS: Duration = Duration::from_secs(60);

/// A place in the lines of all the keys that are wanted together.
///
/// Who has a smaller ticket is before, in every line, so that no two wait for each other. It is kept by who waits, too, who
/// comes back to its place with it where the line has forgotten it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    /// 0 as long as there is none.
    pub(crate) ticket: u64,
    since: Option<Instant>,
}

impl Place {
    /// The server has put it there.
    pub(crate) fn stand(&mut self, ticket: u64) {
        self.ticket = ticket;
        if self.is_stale() || self.since.is_none() {
            self.since = Some(Instant::now());
        }
    }

    /// Whether it stands in line for so long that lines may end.
    pub(crate) fn is_stale(self) -> bool {
        self.since.is_some_and(|since| since.elapsed() > LASTS / 3)
    }
}
