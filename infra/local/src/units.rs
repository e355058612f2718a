//! How quantities are written for people.

use std::fmt;

/// Bytes, written as whole mebibytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mib(pub(crate) u64);

impl fmt::Display for Mib {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0 >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::Mib;

    #[test]
    fn whole_mebibytes() {
        assert_eq!(Mib(1_073_741_824).to_string(), "1024 MiB");
    }
}
