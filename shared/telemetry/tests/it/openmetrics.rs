//! A reader of OpenMetrics' text format that takes nothing that breaks its rules:
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::collections::{BTreeMap, BTreeSet};

/// A page that keeps the rules.
pub(crate) struct Page {
    kinds: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
    exemplar: Option<Exemplar>,
}

struct Exemplar {
    labels: Vec<(String, String)>,
    value: f64,
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("ends with its mark");
        let mut page = Self { kinds: BTreeMap::new(), samples: Vec::new() };
        let mut family = String::new();
        for line in body.lines() {
            if let Some(about) = line.strip_prefix("# ") {
                let [what, name, rest] = about.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
                if name != family {
                    assert!(!page.kinds.contains_key(name), "a family stands in one place: {name}");
                    family = name.to_owned();
                }
                match what {
                    "TYPE" => drop(page.kinds.insert(name.to_owned(), rest.to_owned())),
                    "UNIT" => assert!(name.ends_with(&format!("_{rest}")), "{line}"),
                    other => assert_eq!(other, "HELP", "{line}"),
                }
                continue;
            }
            let sample = sample(line);
            let kind = page.kinds.get(&family).unwrap_or_else(|| panic!("a type before samples: {line}"));
            let suffix = sample.name.strip_prefix(&family).unwrap_or_else(|| panic!("of another family: {line}"));
            let allowed: &[&str] = match kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_sum", "_count"],
                other => panic!("{other} is no type of ours"),
            };
            assert!(allowed.contains(&suffix), "{kind}: {line}");
            page.samples.push(sample);
        }
        page.check();
        page
    }

    fn check(&self) {
        let mut seen = BTreeSet::new();
        for sample in &self.samples {
            assert!(seen.insert((sample.name.clone(), sample.labels.clone())), "twice: {}", sample.name);
            if let Some(exemplar) = &sample.exemplar {
                let length: usize = exemplar.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
                assert!(length <= 128 && sample.name.ends_with("_bucket"));
            }
        }
        let buckets: Vec<_> = self.samples.iter().filter(|sample| sample.name.ends_with("_bucket")).collect();
        for series in buckets.chunk_by(|a, b| a.name == b.name && a.but_bound() == b.but_bound()) {
            let mut before = (f64::NEG_INFINITY, 0.0);
            for bucket in series {
                let bound = bucket.bound();
                assert!(bound > before.0 && bucket.value >= before.1, "{}: grows to {bound}", bucket.name);
                if let Some(Exemplar { value, .. }) = bucket.exemplar {
                    assert!(before.0 < value && value <= bound, "{value} is of another bucket than {bound}");
                }
                before = (bound, bucket.value);
            }
            assert_eq!(before.0, f64::INFINITY);
            let count = format!("{}_count", series[0].name.trim_end_matches("_bucket"));
            let count = self.samples.iter().find(|s| s.name == count && s.labels == series[0].but_bound()).unwrap();
            assert_eq!(count.value, before.1);
        }
    }

    pub(crate) fn kind(&self, family: &str) -> &str {
        &self.kinds[family]
    }

    /// Of the sample with exactly these labels, as they are written.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let labels: Vec<_> = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = self.samples.iter().find(|sample| sample.name == name && sample.labels == labels);
        found.unwrap_or_else(|| panic!("no {name}")).value
    }

    /// The bound of each bucket that has an exemplar, and its trace and span.
    pub(crate) fn exemplars(&self, name: &str) -> Vec<(String, (String, String))> {
        let of = |exemplar: &Exemplar, name: &str| {
            exemplar.labels.iter().find(|(known, _)| known == name).expect("each has a trace and a span").1.clone()
        };
        let samples = self.samples.iter().filter(|sample| sample.name == name);
        samples
            .filter_map(|sample| {
                let exemplar = sample.exemplar.as_ref()?;
                let bound = sample.labels.last()?.1.clone();
                Some((bound, (of(exemplar, "trace_id"), of(exemplar, "span_id"))))
            })
            .collect()
    }
}

impl Sample {
    fn bound(&self) -> f64 {
        let (name, bound) = self.labels.last().unwrap();
        assert!(name == "le" && (bound == "+Inf" || bound.contains(['.', 'e'])), "{bound} is spelt as a float");
        bound.parse().unwrap()
    }

    fn but_bound(&self) -> &[(String, String)] {
        self.labels.split_last().unwrap().1
    }
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap();
    let (name, rest) = line.split_at(end);
    assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{line}");
    let (labels, rest) = labels(rest);
    let (value, exemplar) = match rest.trim_start().split_once(" # ") {
        Some((value, rest)) => (value, Some(rest)),
        None => (rest.trim_start(), None),
    };
    let exemplar = exemplar.map(|text| {
        let (labels, rest) = self::labels(text);
        let [value, time] = rest.trim_start().split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert!(time.parse::<f64>().unwrap() > 1e9, "{line}");
        Exemplar { labels, value: value.parse().unwrap() }
    });
    Sample { name: name.to_owned(), labels, value: value.parse().unwrap(), exemplar }
}

/// Labels, as they are written, and what follows them.
fn labels(text: &str) -> (Vec<(String, String)>, &str) {
    let Some(mut rest) = text.strip_prefix('{') else { return (Vec::new(), text) };
    let mut labels = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return (labels, after);
        }
        let (name, after) = rest.trim_start_matches(',').split_once("=\"").unwrap();
        let mut escaped = false;
        let end = after.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (value, after) = after.split_at(end.unwrap());
        labels.push((name.to_owned(), value.to_owned()));
        rest = &after[1..];
    }
}
