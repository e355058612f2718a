//! Families of metrics as lines.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    time::UNIX_EPOCH,
};

use super::{
    Format,
    families::{Bucket, Family, Kind, Value},
    name::escaped,
};
use crate::metrics::exemplars::Exemplar;

/// All families, in the order of their names.
pub(super) fn write(format: Format, families: &BTreeMap<String, Family>) -> String {
    let mut page = Page { format, text: String::with_capacity(32 * 1024) };
    // Writing to a string can't fail.
    let _ = families.iter().try_for_each(|(name, family)| page.family(name, family));
    if format == Format::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

struct Page {
    format: Format,
    text: String,
}

impl Page {
    fn family(&mut self, name: &str, family: &Family) -> fmt::Result {
        let open = self.format == Format::OpenMetrics;
        // In Prometheus' format a family has the name of its samples.
        let sample = match family.kind {
            Kind::Counter => format!("{name}_total"),
            Kind::Info => format!("{name}_info"),
            _ => name.to_owned(),
        };
        let title = if open { name } else { &sample };
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            Kind::Info if open => "info",
            Kind::Gauge | Kind::Info => "gauge",
        };
        if !family.help.is_empty() {
            writeln!(self.text, "# HELP {title} {}", self.help(&family.help))?;
        }
        writeln!(self.text, "# TYPE {title} {kind}")?;
        if let Some(unit) = family.unit.filter(|_| open) {
            writeln!(self.text, "# UNIT {title} {unit}")?;
        }
        for (labels, value) in &family.series {
            match value {
                Value::Number(number) => {
                    writeln!(self.text, "{} {}", Sample(&sample, "", labels), Number(*number))?;
                }
                Value::Histogram { buckets, count, sum } => {
                    buckets.iter().try_for_each(|bucket| self.bucket(name, labels, bucket))?;
                    writeln!(self.text, "{} {}", Sample(name, "_sum", labels), Number(*sum))?;
                    writeln!(self.text, "{} {count}", Sample(name, "_count", labels))?;
                }
            }
        }
        Ok(())
    }

    fn bucket(&mut self, name: &str, labels: &str, bucket: &Bucket) -> fmt::Result {
        let comma = if labels.is_empty() { "" } else { "," };
        write!(self.text, "{name}_bucket{{{labels}{comma}le=\"")?;
        match self.format {
            // OpenMetrics has bounds as floats, so that they are spelt one way.
            Format::OpenMetrics if bucket.bound.is_finite() => write!(self.text, "{:?}", bucket.bound)?,
            _ => write!(self.text, "{}", Number(bucket.bound))?,
        }
        write!(self.text, "\"}} {}", bucket.count)?;
        if let (Format::OpenMetrics, Some(Exemplar { seconds, at, trace })) = (self.format, bucket.exemplar) {
            let (id, span) = (trace.trace_id(), trace.span_id());
            let at = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            write!(self.text, " # {{trace_id=\"{id}\",span_id=\"{span}\"}} {seconds:?} {at:.3}")?;
        }
        writeln!(self.text)
    }

    /// Prometheus' format leaves quotes in a help text as they are.
    fn help(&self, text: &str) -> String {
        match self.format {
            Format::OpenMetrics => escaped(text).into_owned(),
            Format::Prometheus => text.replace('\\', "\\\\").replace('\n', "\\n"),
        }
    }
}

/// A sample's name, with a suffix, and its labels.
struct Sample<'a>(&'a str, &'a str, &'a str);

impl fmt::Display for Sample<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name, suffix, labels) = self;
        if labels.is_empty() { write!(f, "{name}{suffix}") } else { write!(f, "{name}{suffix}{{{labels}}}") }
    }
}

struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number => write!(f, "{number}"),
        }
    }
}
