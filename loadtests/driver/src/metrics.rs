//! Figures that services serve (Prometheus' text format, version 0.0.4).

/// The sum of a counter's series whose labels contain a text; `None` where there is none.
pub(crate) fn sum(text: &str, name: &str, label: &str) -> Option<u64> {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.strip_prefix('{')?.rsplit_once('}')?;
        labels.contains(label).then(|| value.split_whitespace().next()?.parse::<f64>().ok()).flatten()
    };
    text.lines().filter_map(value).map(|value| value as u64).reduce(|sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_added_up_by_name_and_label() {
        let text = "# TYPE loads_count counter\nloads_count{kind=\"stock\",ok=\"yes\"} 3\nloads_count{kind=\"stock\"} 4\n\
                    loads_count{kind=\"order\"} 5\nloads_counted{kind=\"stock\"} 6\nloads_count 7\n";
        assert_eq!(sum(text, "loads_count", "\"stock\""), Some(7));
        assert_eq!(sum(text, "loads_count", "\"product\""), None);
    }
}
