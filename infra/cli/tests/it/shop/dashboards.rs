//! Grafana's dashboards and Prometheus' rules: what they ask for is what a shop serves.

mod queries;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use local::shop::Service;
use serde::Deserialize;
use tokio::time::sleep;

use self::queries::Names;
use super::trial::Trial;

/// How long a shop may take to serve everything.
const PATIENCE: Duration = Duration::from_secs(60);
/// What Prometheus itself knows, and puts beside what it has read.
const OF_PROMETHEUS: [&str; 1] = ["up"];
const LABELS_OF_PROMETHEUS: [&str; 3] = ["service", "instance", "job"];

#[derive(Debug, Deserialize)]
struct Dashboard {
    uid: String,
    title: String,
    panels: Vec<Panel>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Panel {
    title: String,
    description: String,
    targets: Vec<Target>,
    field_config: FieldConfig,
}

#[derive(Debug, Deserialize)]
struct Target {
    expr: String,
}

#[derive(Debug, Deserialize)]
struct FieldConfig {
    defaults: Defaults,
}

#[derive(Debug, Deserialize)]
struct Defaults {
    unit: String,
}

fn infra() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn dashboards() -> Vec<Dashboard> {
    let files = fs::read_dir(infra().join("grafana/dashboards")).unwrap();
    files.map(|file| serde_json::from_str(&fs::read_to_string(file.unwrap().path()).unwrap()).unwrap()).collect()
}

/// Every query of the dashboards and rules, with where it stands.
fn all_queries() -> Vec<(String, String)> {
    let of_panels = dashboards().into_iter().flat_map(|dashboard| {
        let place = move |panel: &Panel| format!("{}: {}", dashboard.title, panel.title);
        let queries = move |panel: Panel| {
            let place = place(&panel);
            panel.targets.into_iter().map(move |target| (place.clone(), target.expr))
        };
        dashboard.panels.into_iter().flat_map(queries)
    });
    let rules = fs::read_to_string(infra().join("prometheus/rules.yml")).unwrap();
    let of_rules = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    of_panels.chain(of_rules.map(|expr| ("a rule".to_owned(), expr.to_owned()))).collect()
}

#[test]
fn dashboards_can_be_told_apart_and_every_panel_says_what_it_shows() {
    let dashboards = dashboards();
    let distinct = |of: fn(&Dashboard) -> &str| dashboards.iter().map(of).collect::<BTreeSet<_>>().len();
    assert!(dashboards.len() >= 4);
    assert_eq!((distinct(|one| &one.uid), distinct(|one| &one.title)), (dashboards.len(), dashboards.len()));
    for dashboard in &dashboards {
        let titles: BTreeSet<_> = dashboard.panels.iter().map(|panel| panel.title.trim()).collect();
        assert_eq!(titles.len(), dashboard.panels.len(), "{}: a title comes twice", dashboard.title);
        for Panel { title, description, targets, field_config } in &dashboard.panels {
            assert!(!title.trim().is_empty(), "{}: a panel lacks its title", dashboard.title);
            assert!(!description.is_empty() && !field_config.defaults.unit.is_empty(), "{title} lacks words or a unit");
            assert!(!targets.is_empty(), "{title} asks for nothing");
        }
    }
}

/// What dashboards and rules ask for is served by a shop that has had orders.
pub(super) async fn are_served(trial: &Trial) {
    // Orders are decided, and settings read, some time after.
    let begin = Instant::now();
    loop {
        let missing = missing(&served(trial).await);
        if missing.is_empty() {
            break;
        }
        assert!(begin.elapsed() < PATIENCE, "not served: {missing:#?}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// What is asked for and not served, with where it stands.
fn missing(served: &Names) -> Vec<String> {
    let faults = defined_counters();
    let mut missing = Vec::new();
    for (place, query) in all_queries() {
        let asked = Names::of(&query);
        assert!(!asked.metrics.is_empty(), "{place}: {query} asks for no metric");
        let counted =
            |metric: &str| metric.strip_suffix("_total").is_some_and(|name| faults.contains(&format!("\"{name}\"")));
        let known = |metric: &&String| served.metrics.contains(*metric) || OF_PROMETHEUS.contains(&&***metric);
        let (there, others): (Vec<_>, Vec<_>) = asked.metrics.iter().partition(known);
        missing.extend(others.into_iter().filter(|metric| !counted(metric)).map(|metric| format!("{place}: {metric}")));
        // The labels of what isn't there yet aren't either.
        let known = |label: &String| served.labels.contains(label) || LABELS_OF_PROMETHEUS.contains(&&**label);
        let labels = asked.labels.iter().filter(|label| there.len() == asked.metrics.len() && !known(label));
        missing.extend(labels.map(|label| format!("{place}: the label {label}")));
    }
    missing
}

/// What services and coordinators serve.
async fn served(trial: &Trial) -> Names {
    let services = Service::ALL.into_iter().flat_map(|service| trial.urls(service));
    let coordinators = trial.shop.coordinators().into_iter().map(|address| format!("http://{address}"));
    let mut all = Names::default();
    for url in services.chain(coordinators) {
        let text = reqwest::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
        all.add_served(&text);
    }
    all
}

/// The sources that define metrics, with names as Prometheus has them: a counter of what goes wrong is not served before
/// it has.
fn defined_counters() -> String {
    let root = infra().join("..");
    let crates = ["services", "shared"].map(|group| root.join(group)).into_iter();
    let folders = crates.flat_map(|group| fs::read_dir(group).unwrap()).map(|folder| folder.unwrap().path());
    let files = folders.filter_map(|folder| fs::read_to_string(folder.join("src/metric_definitions.rs")).ok());
    files.map(|text| text.replace('.', "_")).collect()
}
