//! Names in PromQL, and in what Prometheus reads.

use std::collections::BTreeSet;

/// Words of the language that stand where a metric could.
const WORDS: [&str; 11] =
    ["and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset"];
/// After these, parentheses hold labels.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// The label of a histogram's buckets.
const BUCKET: &str = "le";

/// Metrics and labels.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) metrics: BTreeSet<String>,
    pub(super) labels: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Sign(char),
}

impl Names {
    /// What a query asks for. No parser of the language: enough for what our own files hold, and loud about the rest, as
    /// what it takes for a metric must be served.
    pub(super) fn of(query: &str) -> Self {
        let mut names = Self::default();
        let tokens = tokens(query);
        let mut labels_until = None;
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Sign('{') => labels_until = Some('}'),
                Token::Sign('[') => labels_until = Some(']'),
                Token::Sign('(')
                    if at > 0 && matches!(tokens[at - 1], Token::Name(name) if BEFORE_LABELS.contains(&name)) =>
                {
                    labels_until = Some(')');
                }
                Token::Sign(sign) if labels_until == Some(*sign) => labels_until = None,
                Token::Sign(_) => {}
                Token::Name(name) => names.take(name, labels_until, tokens.get(at + 1)),
            }
        }
        names.labels.remove(BUCKET);
        names
    }

    fn take(&mut self, name: &str, labels_until: Option<char>, next: Option<&Token>) {
        match labels_until {
            // A span of time.
            Some(']') => {}
            Some(_) => drop(self.labels.insert(name.to_owned())),
            None if WORDS.contains(&name) => {}
            // A function, or an aggregation by labels.
            None if matches!(next, Some(Token::Sign('(') | Token::Name("by" | "without"))) => {}
            None => drop(self.metrics.insert(name.to_owned())),
        }
    }

    /// Adds what a process serves in one of Prometheus' text formats.
    pub(super) fn add_served(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let series = Self::of(line.split_once("# ").map_or(line, |(sample, _exemplar)| sample));
            self.metrics.extend(series.metrics);
            self.labels.extend(series.labels);
        }
    }
}

fn tokens(query: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if first == '"' {
            // To the quote that no backslash stands before.
            let mut escaped = false;
            let end = rest[1..].find(|c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.map_or(rest.len(), |end| end + 2)
        } else if first.is_ascii_alphanumeric() || "_:$.".contains(first) {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"_:$.".contains(c)).unwrap_or(rest.len());
            // Else a number.
            if first.is_ascii_alphabetic() || first == '_' {
                tokens.push(Token::Name(&rest[..end]));
            }
            end
        } else {
            tokens.push(Token::Sign(first));
            first.len_utf8()
        };
        rest = rest[length..].trim_start();
    }
    tokens
}

#[test]
fn names_are_told_from_words_labels_functions_and_numbers() {
    let query = r#"histogram_quantile(0.99, sum by (le, a) (rate(x_bucket{b!~"c|\"d"}[$__rate_interval]))) or 0 * y_total > 1e3"#;
    let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(Names::of(query), Names { metrics: set(&["x_bucket", "y_total"]), labels: set(&["a", "b"]) });
    let mut served = Names::default();
    served.add_served("# TYPE x histogram\nx_bucket{a=\"1\",le=\"0.5\"} 3 # {trace_id=\"f\"} 0.4\nup 1\n");
    assert_eq!(served, Names { metrics: set(&["up", "x_bucket"]), labels: set(&["a"]) });
}
