//! Values as text, as Jaeger writes them: what lists look like, and by what a value can be asked for.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::model::Value;

/// The value's text.
#[must_use]
pub fn value(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Text(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => double(*value),
        Value::Bytes(bytes) => STANDARD.encode(bytes),
        Value::Array(_) | Value::Map(_) => escaped(&json(value).to_string()),
    }
}

/// Go's JSON never holds these: they stand in texts only.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for char in json.chars() {
        match char {
            '<' => text.push_str("\\u003c"),
            '>' => text.push_str("\\u003e"),
            '&' => text.push_str("\\u0026"),
            '\u{2028}' => text.push_str("\\u2028"),
            '\u{2029}' => text.push_str("\\u2029"),
            other => text.push(other),
        }
    }
    text
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Empty => serde_json::Value::Null,
        Value::Text(text) => text.as_str().into(),
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Double(value) if *value == value.trunc() && value.abs() < 1e15 => (*value as i64).into(),
        Value::Double(value) => serde_json::Number::from_f64(*value).map_or_else(|| double(*value).into(), Into::into),
        Value::Bytes(bytes) => STANDARD.encode(bytes).into(),
        Value::Array(values) => values.iter().map(json).collect(),
        Value::Map(pairs) => pairs.iter().map(|(key, value)| (key.clone(), json(value))).collect(),
    }
}

/// A number as ECMAScript writes it: `1`, `1.5`, `1e+21`.
#[must_use]
pub fn double(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return match () {
            () if value.is_nan() => "NaN",
            () if value > 0.0 => "+Inf",
            () => "-Inf",
        }
        .to_owned();
    }
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_scripts_know_them() {
        for (value, text) in [
            (0.0, "0"),
            (2.0, "2"),
            (-1.5, "-1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-7, "1e-7"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(double(value), text);
        }
    }

    #[test]
    fn lists_are_json() {
        let list = Value::Array(vec![
            Value::Int(1),
            Value::Text("x<\"".to_owned()),
            Value::Double(2.0),
            Value::Empty,
            Value::Bytes(vec![1, 2]),
            Value::Map(vec![("b".to_owned(), Value::Bool(true)), ("a".to_owned(), Value::Double(2.5))]),
        ]);
        assert_eq!(value(&list), r#"[1,"x\u003c\"",2,null,"AQI=",{"a":2.5,"b":true}]"#);
    }
}
