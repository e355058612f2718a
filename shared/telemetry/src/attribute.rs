//! Attributes with their types: what is set on a span fits its name, or doesn't compile.

use std::{marker::PhantomData, time::Duration};

use crate::wire::{self, Wire};

/// The name of an attribute whose values are `T`: `str`, `i64`, `f64`, `bool`, or [`Duration`], which is told in seconds.
#[derive(Debug)]
pub struct Key<T: ?Sized> {
    name: &'static str,
    values: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Key<T> {
    /// A name for values of this type.
    pub const fn new(name: &'static str) -> Self {
        Self { name, values: PhantomData }
    }

    /// The name.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T: ?Sized> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Key<T> {}

/// The same name for an attribute of a metric.
impl<T: ?Sized> From<Key<T>> for opentelemetry::Key {
    fn from(key: Key<T>) -> Self {
        Self::from_static_str(key.name)
    }
}

/// What an attribute may hold, in OTLP's `AnyValue`.
pub trait Kind: sealed::Sealed {
    /// How a value is handed over.
    type Value<'a>;
    /// How OpenTelemetry's protocol names the type: `string`, `int`, `double`, `bool`.
    const TYPE: &'static str;

    #[doc(hidden)]
    fn any<'a>(value: Self::Value<'a>) -> Any<'a>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for str {}
    impl Sealed for i64 {}
    impl Sealed for f64 {}
    impl Sealed for bool {}
    impl Sealed for std::time::Duration {}
}

impl Kind for str {
    type Value<'a> = &'a str;
    const TYPE: &'static str = "string";

    fn any<'a>(value: Self::Value<'a>) -> Any<'a> {
        Any::Text(value)
    }
}

impl Kind for i64 {
    type Value<'a> = Self;
    const TYPE: &'static str = "int";

    fn any<'a>(value: Self) -> Any<'a> {
        Any::Int(value)
    }
}

impl Kind for f64 {
    type Value<'a> = Self;
    const TYPE: &'static str = "double";

    fn any<'a>(value: Self) -> Any<'a> {
        Any::Double(value)
    }
}

impl Kind for bool {
    type Value<'a> = Self;
    const TYPE: &'static str = "bool";

    fn any<'a>(value: Self) -> Any<'a> {
        Any::Bool(value)
    }
}

impl Kind for Duration {
    type Value<'a> = Self;
    const TYPE: &'static str = "double";

    fn any<'a>(value: Self) -> Any<'a> {
        Any::Double(value.as_secs_f64())
    }
}

/// A value on its way into a span.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Any<'a> {
    /// Text.
    Text(&'a str),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Yes or no.
    Bool(bool),
}

impl Any<'_> {
    /// The length of its `AnyValue`.
    fn len(self) -> usize {
        match self {
            Self::Text(text) => wire::len_delimited(text.len()),
            Self::Int(number) => 1 + wire::len_varint(number.cast_unsigned()),
            Self::Double(_) => 9,
            Self::Bool(_) => 2,
        }
    }

    fn write(self, to: &mut Vec<u8>) {
        match self {
            Self::Text(text) => to.text(1, text),
            Self::Bool(truth) => to.number(2, u64::from(truth)),
            Self::Int(number) => to.number(3, number.cast_unsigned()),
            Self::Double(number) => to.fixed64(4, number.to_bits()),
        }
    }
}

/// Writes a `KeyValue` as the field of this number. Keys and values are fields 1 and 2 of it, and numbers below 16, so that
/// every tag is one byte.
pub(crate) fn write(to: &mut Vec<u8>, field: u8, key: &str, value: Any<'_>) {
    let any = value.len();
    to.head(field, wire::len_delimited(key.len()) + wire::len_delimited(any));
    to.text(1, key);
    to.head(2, any);
    value.write(to);
}

/// A value of OpenTelemetry's API, as a resource has them; `None` for a list, which none of ours is.
pub(crate) fn of(value: &opentelemetry::Value) -> Option<Any<'_>> {
    match value {
        opentelemetry::Value::Bool(truth) => Some(Any::Bool(*truth)),
        opentelemetry::Value::I64(number) => Some(Any::Int(*number)),
        opentelemetry::Value::F64(number) => Some(Any::Double(*number)),
        opentelemetry::Value::String(text) => Some(Any::Text(text.as_str())),
        _ => None,
    }
}
