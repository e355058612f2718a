//! A service's own settings.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use super::{
    definition::{Definition, Refusal},
    shape::{Reading, Shape},
};
use crate::Name;

/// A live value. Clones are the same setting.
#[derive(Debug, Clone)]
pub struct Setting<T: 'static> {
    cell: Arc<Cell>,
    reading: Reading<T>,
    changes: watch::Receiver<u64>,
}

impl<T: Copy> Setting<T> {
    /// A value that nobody sets, where a live one could stand.
    pub fn fixed(value: T) -> Self {
        let (changes, receiver) = watch::channel(0);
        let cell = Arc::new(Cell::new(0, changes));
        Self { cell, reading: Reading::Fixed(value), changes: receiver }
    }

    /// The value: one load from memory.
    pub fn get(&self) -> T {
        self.reading.of(self.cell.word.load(Ordering::Relaxed))
    }

    /// The revision of the cluster at which the value was written: the same in all processes that have read it. 0 while
    /// it is the default because nobody has set it.
    pub fn revision(&self) -> i64 {
        self.cell.revision.load(Ordering::Relaxed)
    }

    /// Waits until the value is another than when this handle was last waited for; the value then.
    pub async fn changed(&mut self) -> T {
        if self.changes.changed().await.is_err() {
            // Impossible while `cell` holds the sender.
            return std::future::pending().await;
        }
        self.reading.of(*self.changes.borrow_and_update())
    }
}

impl Setting<i64> {
    /// The value as a number of things; one, where it is less.
    pub fn count(&self) -> usize {
        usize::try_from(self.get()).unwrap_or(0).max(1)
    }
}

/// Where a value stands.
#[derive(Debug)]
struct Cell {
    word: AtomicU64,
    revision: AtomicI64,
    changes: watch::Sender<u64>,
}

impl Cell {
    fn new(word: u64, changes: watch::Sender<u64>) -> Self {
        Self { word: AtomicU64::new(word), revision: AtomicI64::new(0), changes }
    }
}

/// A setting, whatever its type.
#[derive(Debug)]
pub(super) struct Defined {
    pub(super) definition: Definition,
    cell: Arc<Cell>,
}

impl Defined {
    /// Takes a value from the store, with its revision, or the default for none; the value before, as text, if it is another
    /// now.
    ///
    /// # Errors
    /// The definition does not allow it; the value stays.
    pub(super) fn take(&self, stored: Option<(&str, i64)>) -> Result<Option<String>, Refusal> {
        let (text, revision) = stored.unwrap_or((&self.definition.default, 0));
        let word = self.definition.kind.parse(text)?;
        self.cell.revision.store(revision, Ordering::Relaxed);
        let before = self.cell.word.swap(word, Ordering::Relaxed);
        if before == word {
            return Ok(None);
        }
        self.cell.changes.send_replace(word);
        Ok(Some(self.definition.kind.text(before)))
    }

    /// The value now, as text and as a number for measuring.
    pub(super) fn now(&self) -> (String, f64) {
        let word = self.cell.word.load(Ordering::Relaxed);
        (self.definition.kind.text(word), self.definition.kind.number(word))
    }
}

/// The settings of a service.
#[derive(Debug, Default)]
pub struct Definitions(pub(super) BTreeMap<Name, Defined>);

/// A setting that can't be defined so: a mistake in the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefineError {
    /// The default is not among what is allowed.
    #[error("the default of {name}: {refusal}")]
    Default {
        /// The setting.
        name: Name,
        /// What it would take.
        refusal: Refusal,
    },
    /// It is defined already.
    #[error("{0} is defined twice")]
    Twice(Name),
}

impl Definitions {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Defines a setting; it has its default until [`follow`](super::follow) has read another value.
    ///
    /// # Errors
    /// Its default is not allowed, or there is one of this name.
    pub fn define<S: Shape>(
        &mut self,
        name: Name,
        shape: S,
        unit: &str,
        help: &str,
    ) -> Result<Setting<S::Value>, DefineError> {
        if self.0.contains_key(&name) {
            return Err(DefineError::Twice(name));
        }
        let (kind, default) = (shape.kind(), shape.default());
        let word = kind.parse(&default).map_err(|refusal| DefineError::Default { name: name.clone(), refusal })?;
        let (changes, receiver) = watch::channel(word);
        let cell = Arc::new(Cell::new(word, changes));
        let definition = Definition { name: name.clone(), kind, default, unit: unit.to_owned(), help: help.to_owned() };
        self.0.insert(name, Defined { definition, cell: Arc::clone(&cell) });
        Ok(Setting { cell, reading: shape.reading(), changes: receiver })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::shape::*, *};

    const NAME: Name = Name::literal("a");

    #[tokio::test]
    async fn a_value_is_taken_and_told() {
        let mut definitions = Definitions::new();
        let mut batch = definitions.define(NAME, Integer { default: 5, range: 1..=9 }, "orders", "").unwrap();
        let defined = &definitions.0[&NAME];
        assert_eq!(batch.get(), 5);
        assert_eq!(defined.take(Some(("7", 30))), Ok(Some("5".to_owned())));
        assert_eq!((batch.get(), batch.revision(), batch.changed().await), (7, 30, 7));
        assert_eq!((defined.take(Some(("7", 31))), batch.revision()), (Ok(None), 31));
        assert_eq!(defined.now(), ("7".to_owned(), 7.0));
        assert!(defined.take(Some(("10", 32))).is_err());
        assert_eq!((batch.get(), batch.revision()), (7, 31), "what is refused changes nothing");
        assert_eq!(defined.take(None), Ok(Some("7".to_owned())));
        assert_eq!((batch.get(), batch.revision()), (5, 0));
    }

    #[test]
    fn what_is_fixed_is_read_like_any_other() {
        let batch = Setting::fixed(7);
        assert_eq!((batch.get(), batch.count(), Setting::fixed(-1).count()), (7, 7, 1));
    }

    #[test]
    fn every_shape_reads_its_default_back() {
        #[derive(Debug, Clone, Copy, PartialEq)]
        enum Mode {
            Fast,
            Safe,
        }
        let mut definitions = Definitions::new();
        let mut name = (0..).map(|i| format!("s{i}").parse::<Name>().unwrap());
        let mut name = || name.next().unwrap();
        let wait = Milliseconds { default: Duration::from_millis(20), range: Duration::ZERO..=Duration::from_secs(1) };
        assert_eq!(definitions.define(name(), wait, "ms", "").unwrap().get(), Duration::from_millis(20));
        assert_eq!(definitions.define(name(), Ratio { default: 0.25 }, "", "").unwrap().get(), 0.25);
        assert!(definitions.define(name(), Flag { default: true }, "", "").unwrap().get());
        let negative = Integer { default: -3, range: -5..=5 };
        assert_eq!(definitions.define(name(), negative, "", "").unwrap().get(), -3);
        let mode = Choice { default: "safe", words: &[("fast", Mode::Fast), ("safe", Mode::Safe)] };
        assert_eq!(definitions.define(name(), mode, "", "").unwrap().get(), Mode::Safe);
    }

    #[test]
    fn mistakes_are_told_at_the_start() {
        let mut definitions = Definitions::new();
        let error = definitions.define(NAME, Integer { default: 0, range: 1..=9 }, "", "").unwrap_err();
        assert_eq!(error.to_string(), r#"the default of a: "0" is not allowed: it takes a whole number from 1 to 9"#);
        definitions.define(NAME, Flag { default: true }, "", "").unwrap();
        assert_eq!(definitions.define(NAME, Flag { default: true }, "", "").unwrap_err(), DefineError::Twice(NAME));
    }
}
