//! What stands beside a lock for people to read: who holds it, and since when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Since when, by the holder's own clock, and who: `1796000000000 inventory-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) since: SystemTime,
    pub(crate) holder: String,
}

impl Label {
    pub(crate) fn now(holder: &str) -> Self {
        Self { since: SystemTime::now(), holder: holder.to_owned() }
    }

    pub(crate) fn text(&self) -> String {
        format!("{} {}", millis(self.since), self.holder)
    }

    /// `None` if that is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (since, holder) = text.split_once(' ')?;
        Some(Self { since: UNIX_EPOCH + Duration::from_millis(since.parse().ok()?), holder: holder.to_owned() })
    }
}

/// Since 1970.
pub(crate) fn millis(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_read_back() {
        let label = Label { since: UNIX_EPOCH + Duration::from_millis(1_796_000_000_123), holder: "a b".to_owned() };
        assert_eq!(label.text(), "1796000000123 a b");
        assert_eq!(Label::parse(&label.text()), Some(label));
        assert_eq!([Label::parse("lock"), Label::parse("x y")], [None, None]);
    }
}
