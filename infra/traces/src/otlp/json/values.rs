//! Values as protobuf's JSON has them: numbers may be texts, anything may be `null`.

use std::{fmt, marker::PhantomData, str::FromStr};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

use crate::wire::Writer;

/// A text; empty where it is `null`.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    pub(super) fn write(&self, out: &mut Writer, number: u32) {
        if !self.0.is_empty() {
            out.bytes(number, self.0.as_bytes());
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::deserialize(deserializer)?.unwrap_or_default()))
    }
}

/// A list; empty where it is `null`.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default()))
    }
}

/// An id, in hexadecimal.
#[derive(Debug, Default)]
pub(super) struct Hex(pub(super) Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        let text = text.unwrap_or_default();
        let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16).map(|digit| digit as u8)).collect();
        match digits {
            Some(digits) if digits.len().is_multiple_of(2) => {
                Ok(Self(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()))
            }
            _ => Err(D::Error::custom(format_args!("{text:?} is no hexadecimal id"))),
        }
    }
}

/// A number, or a text with one.
#[derive(Debug, Default)]
pub(super) struct Number<T>(pub(super) T);

struct NumberVisitor<T>(PhantomData<T>);

impl<'de, T: FromStr + Default> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor(PhantomData)).map(Self)
    }
}

impl<T: FromStr + Default> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}, or a text with one", std::any::type_name::<T>())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    /// `1.0` and `1e3` are whole numbers as well.
    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|_| E::custom(format_args!("{text:?} is no {}", std::any::type_name::<T>())))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
}

/// A key with its value.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pair {
    key: Text,
    value: Option<Value>,
}

impl Pair {
    pub(super) fn write(&self, out: &mut Writer) {
        self.key.write(out, 1);
        out.message(2, |out| self.value.iter().for_each(|value| value.write(out)));
    }
}

/// `AnyValue`: one of these, or nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Value {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<Number<i64>>,
    double_value: Option<Double>,
    array_value: Option<Values<Option<Value>>>,
    kvlist_value: Option<Values<Pair>>,
    bytes_value: Option<Bytes>,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct Values<T> {
    values: List<T>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self { values: List::default() }
    }
}

impl Value {
    fn write(&self, out: &mut Writer) {
        if let Some(text) = &self.string_value {
            out.bytes(1, text.as_bytes());
        }
        if let Some(value) = self.bool_value {
            out.varint(2, value.into());
        }
        if let Some(Number(value)) = self.int_value {
            out.varint(3, value as u64);
        }
        if let Some(Double(value)) = self.double_value {
            out.fixed64(4, value.to_bits());
        }
        if let Some(list) = &self.array_value {
            let values = list.values.0.iter();
            out.message(5, |out| {
                values.for_each(|value| out.message(1, |out| value.iter().for_each(|value| value.write(out))));
            });
        }
        if let Some(list) = &self.kvlist_value {
            out.message(6, |out| list.values.0.iter().for_each(|pair| out.message(1, |out| pair.write(out))));
        }
        if let Some(Bytes(bytes)) = &self.bytes_value {
            out.bytes(7, bytes);
        }
    }
}

/// A number, or one of the three that JSON lacks, as text.
#[derive(Debug)]
struct Double(f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Number(text) = Number::<Digits>::deserialize(deserializer)?;
        Ok(Self(text.0))
    }
}

#[derive(Default)]
struct Digits(f64);

impl FromStr for Digits {
    type Err = std::num::ParseFloatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `Infinity`, `-Infinity` and `NaN` are known to it.
        text.parse().map(Self)
    }
}

/// Base64, of either alphabet.
#[derive(Debug)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(&text).or_else(|_| URL_SAFE.decode(&text)).map(Self).map_err(D::Error::custom)
    }
}
