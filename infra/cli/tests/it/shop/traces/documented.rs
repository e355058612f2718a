//! The tables of the telemetry's README, read as what they say a trace holds.

use std::collections::{HashMap, HashSet};

use super::model::{Span, Trace};

const README: &str = include_str!("../../../../../../shared/telemetry/README.md");
/// What Jaeger's format says in tags though it is no attribute.
const OF_THE_FORMAT: [&str; 5] =
    ["span.kind", "error", "otel.status_code", "otel.status_description", "otel.scope.name"];

pub(super) struct Documented {
    spans: HashMap<String, Row>,
    /// The type of each attribute's values, as Jaeger has it.
    types: HashMap<String, String>,
}

struct Row {
    kind: String,
    services: HashSet<String>,
    below: HashSet<String>,
    may_begin: bool,
    always: HashSet<String>,
    attributes: HashSet<String>,
}

impl Documented {
    pub(super) fn read() -> Self {
        let spans = rows("### Spans").map(|cells| {
            let [name, kind, services, below, always, sometimes] = &cells[..] else { panic!("six cells: {cells:?}") };
            let always: HashSet<_> = quoted(always).collect();
            let row = Row {
                kind: kind.trim().to_owned(),
                services: quoted(services).collect(),
                below: quoted(below).collect(),
                may_begin: below.contains("nothing"),
                attributes: always.iter().cloned().chain(quoted(sometimes)).collect(),
                always,
            };
            (quoted(name).next().unwrap(), row)
        });
        let types = rows("### Attributes").map(|cells| {
            let kind = match cells[1].trim() {
                "string" => "string",
                "int" => "int64",
                "double" => "float64",
                "bool" => "bool",
                other => panic!("{other} is no type"),
            };
            (quoted(&cells[0]).next().unwrap(), kind.to_owned())
        });
        Self { spans: spans.collect(), types: types.collect() }
    }

    /// Whether every span of this trace is one of the table's, in its place and with its attributes.
    pub(super) fn holds(&self, trace: &Trace) {
        let names: HashMap<&str, &str> =
            trace.spans.iter().map(|span| (span.id.as_str(), span.operation_name.as_str())).collect();
        for span in &trace.spans {
            let name = span.operation_name.as_str();
            let row = self.spans.get(name).unwrap_or_else(|| panic!("{name} is not in the table"));
            let service = &trace.processes[&span.process].service_name;
            assert!(row.services.contains(service), "{name} is none of {service}'s");
            assert_eq!(span.tag("span.kind").and_then(|kind| kind.as_str()), Some(&*row.kind), "{name}");
            match span.parent(&trace.id).map(|parent| names.get(parent)) {
                Some(Some(parent)) => assert!(row.below.contains(*parent), "{name} is below {parent}"),
                // A process that was killed has taken its last spans with it.
                Some(None) => {}
                None => assert!(row.may_begin, "{name} is below nothing"),
            }
            self.attributes_hold(span, row);
        }
    }

    fn attributes_hold(&self, span: &Span, row: &Row) {
        let name = &span.operation_name;
        let mut seen = HashSet::new();
        for tag in span.tags.iter().filter(|tag| !OF_THE_FORMAT.contains(&&*tag.key)) {
            assert!(row.attributes.contains(&tag.key), "{name} has {}", tag.key);
            assert_eq!(self.types.get(&tag.key), Some(&tag.kind), "{name}: {}", tag.key);
            assert!(seen.insert(tag.key.clone()), "{name} has {} twice", tag.key);
        }
        let missing: Vec<_> = row.always.difference(&seen).collect();
        assert!(missing.is_empty(), "{name} lacks {missing:?}: {span:?}");
    }
}

/// The rows of the first table below a heading, each as its cells.
fn rows(heading: &str) -> impl Iterator<Item = Vec<String>> {
    let (_, below) = README.split_once(heading).unwrap();
    let table = below.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    table.skip(2).map(|line| line.trim_matches('|').split('|').map(str::to_owned).collect())
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>().into_iter()
}
