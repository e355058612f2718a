//! How much of one product there is.

use contracts::Quantity;

/// How much of one product there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Level {
    /// How many can be reserved.
    pub available: i64,
    /// How many are reserved.
    pub reserved: i64,
}

/// Why an adjustment can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There are not so many to take away.
    #[error("only {available} are available")]
    BelowZero {
        /// How many there are.
        available: i64,
    },
    /// More than is kept of one product.
    #[error("at most {most} are kept of one product, and {available} are there", most = Level::MOST)]
    TooMany {
        /// How many there are.
        available: i64,
    },
}

impl Level {
    /// The most of one product that can be available: so much that nobody has it, and that no sum overflows.
    pub const MOST: i64 = 1_000_000_000_000_000;

    /// Whether so many can be reserved.
    pub fn has(self, quantity: Quantity) -> bool {
        self.available >= i64::from(quantity.get())
    }

    /// This level with `quantity` moved from available to reserved, or `None` where there are not so many.
    #[must_use]
    pub fn reserve(self, quantity: Quantity) -> Option<Self> {
        let pieces = i64::from(quantity.get());
        self.has(quantity).then(|| Self { available: self.available - pieces, reserved: self.reserved + pieces })
    }

    /// This level with `quantity` moved back from reserved to available, or `None` where fewer are reserved, which no
    /// rule of ours allows to happen.
    #[must_use]
    pub fn release(self, quantity: Quantity) -> Option<Self> {
        let pieces = i64::from(quantity.get());
        (self.reserved >= pieces).then(|| Self { available: self.available + pieces, reserved: self.reserved - pieces })
    }

    /// This level with `delta` more, or fewer, available.
    ///
    /// # Errors
    /// When that would be below 0, or above [`Level::MOST`].
    pub fn adjust(self, delta: i64) -> Result<Self, Refused> {
        let available = self.available;
        match available.checked_add(delta) {
            Some(adjusted @ 0..=Self::MOST) => Ok(Self { available: adjusted, ..self }),
            Some(i64::MIN..0) => Err(Refused::BelowZero { available }),
            _ => Err(Refused::TooMany { available }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reserving_and_releasing_keep_the_sum(available in 0i64..100, reserved in 0i64..100, pieces in 1i64..100) {
            let level = Level { available, reserved };
            let pieces = Quantity::try_from(pieces).unwrap();
            for moved in [level.reserve(pieces), level.release(pieces)].into_iter().flatten() {
                prop_assert_eq!(moved.available + moved.reserved, available + reserved);
                prop_assert!(moved.available >= 0 && moved.reserved >= 0);
            }
            prop_assert_eq!(level.reserve(pieces).is_some(), available >= i64::from(pieces.get()));
            prop_assert_eq!(level.release(pieces).is_some(), reserved >= i64::from(pieces.get()));
        }

        #[test]
        fn an_adjustment_never_leaves_the_bounds(available in 0..=Level::MOST, delta in any::<i64>()) {
            let level = Level { available, reserved: 3 };
            match level.adjust(delta) {
                Ok(adjusted) => {
                    prop_assert!((0..=Level::MOST).contains(&adjusted.available));
                    prop_assert_eq!(adjusted, Level { available: available + delta, reserved: 3 });
                }
                Err(Refused::BelowZero { .. }) => prop_assert!(delta < -available),
                Err(Refused::TooMany { .. }) => prop_assert!(delta > Level::MOST - available),
            }
        }
    }
}
