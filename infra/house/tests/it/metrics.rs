//! The table of metrics says what the code does.

use std::{collections::BTreeSet, fs, path::Path};

/// Each with name, kind, unit, and the crate that makes it.
type Metrics = BTreeSet<[String; 4]>;

const CONSTRUCTORS: [(&str, &str); 9] = [
    ("_observable_counter(", "counter"),
    ("_observable_gauge(", "gauge"),
    ("_up_down_counter(", "up-down"),
    ("u64_counter(", "counter"),
    ("u64_gauge(", "gauge"),
    ("i64_gauge(", "gauge"),
    ("f64_gauge(", "gauge"),
    ("u64_histogram(", "histogram"),
    ("Seconds::new(", "seconds"),
];

#[test]
fn every_metric_is_in_the_table_and_every_line_of_it_is_a_metric() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_else(|fault| panic!("{path}: {fault}"));
    let names = read("shared/telemetry/src/names.rs");
    let mut made = Metrics::new();
    for folder in ["shared", "services"] {
        for entry in fs::read_dir(root.join(folder)).expect("the folders of the house can be read").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Ok(source) = fs::read_to_string(entry.path().join("src/metric_definitions.rs")) {
                made.extend(instruments(&source, &names, &name));
            }
        }
    }
    let measured = read("shared/telemetry/src/export/measured.rs");
    let own: Vec<&str> = quoted(&measured).filter(|name| name.starts_with("otel.sdk.")).collect();
    assert!(made.len() > 40 && own.len() == 9, "{} and {own:?}", made.len());
    let table = table(&read("shared/telemetry/README.md"));
    let (of_telemetry, of_others): (Metrics, Metrics) = table.into_iter().partition(|row| row[3] == "telemetry");
    assert_eq!(of_others, made, "the table, and what is made");
    let told: Vec<&str> = of_telemetry.iter().map(|row| row[0].as_str()).collect();
    let own = BTreeSet::from_iter(own);
    assert_eq!(BTreeSet::from_iter(told), own, "the table, and what the exporter tells of itself");
}

/// The instruments that a file makes.
fn instruments(source: &str, names: &str, of: &str) -> Metrics {
    let mut found = Metrics::new();
    let mut rest = source;
    while let Some((at, call, kind)) = next(rest) {
        let after = &rest[at + call.len()..];
        let arguments = after.trim_start().trim_start_matches('&').trim_start();
        let arguments = arguments.strip_prefix("meter,").unwrap_or(arguments).trim_start();
        let end = arguments.find([',', ')']).expect("a call has an end");
        let name = match arguments.strip_prefix('"') {
            Some(literal) => literal.split('"').next().unwrap_or_default().to_owned(),
            None => constant(names, arguments[..end].trim()),
        };
        let built = &arguments[..arguments.find(".build()").unwrap_or(arguments.len())];
        let unit = match kind {
            "seconds" => "s",
            _ => built.split_once("with_unit(\"").and_then(|(_, unit)| unit.split('"').next()).unwrap_or(""),
        };
        let kind = if kind == "seconds" { "histogram" } else { kind };
        found.insert([name, kind.to_owned(), unit.to_owned(), of.to_owned()]);
        rest = arguments;
    }
    found
}

fn next(source: &str) -> Option<(usize, &'static str, &'static str)> {
    let found = CONSTRUCTORS.iter().filter_map(|(call, kind)| Some((source.find(call)?, *call, *kind)));
    found.min_by_key(|(at, _, _)| *at)
}

/// What `http::NAME` is in the file of names.
fn constant(names: &str, path: &str) -> String {
    let name = path.rsplit("::").next().unwrap_or(path);
    let defined = names.split_once(&format!("pub const {name}: &str = \"")).map(|(_, rest)| rest);
    defined.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{path} is no name")).to_owned()
}

fn quoted(source: &str) -> impl Iterator<Item = &str> {
    source.split('"').skip(1).step_by(2)
}

/// The table below the heading `### Every metric`.
fn table(readme: &str) -> Metrics {
    let (_, section) = readme.split_once("### Every metric").expect("the README has the table");
    let section = section.split("\n## ").next().unwrap_or(section);
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
        let [_, name, kind, unit, of, ..] = &cells[..] else { panic!("{row}") };
        [name, kind, unit, of].map(String::clone)
    })
    .collect()
}
