//! Which format a reader prefers: <https://www.rfc-editor.org/rfc/rfc9110#name-accept>.

use super::Format;

/// OpenMetrics where it is named, in a version we write, with a weight that is no less than that of other text.
pub(super) fn preferred(accept: &str) -> Format {
    let (mut open, mut plain) = (0.0, 0.0);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut weight, mut version) = (1.0, None);
        for parameter in parts {
            match parameter.split_once('=') {
                Some(("q" | "Q", value)) => weight = value.trim().parse().unwrap_or(0.0),
                Some(("version", value)) => version = Some(value.trim_matches('"')),
                _ => {}
            }
        }
        match media.as_str() {
            "application/openmetrics-text" if matches!(version, None | Some("1.0.0")) => open = f64::max(open, weight),
            "text/plain" | "text/*" if matches!(version, None | Some("0.0.4")) => plain = f64::max(plain, weight),
            _ => {}
        }
    }
    if open > 0.0 && open >= plain { Format::OpenMetrics } else { Format::Prometheus }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_openmetrics_gets_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                          application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,\
                          text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for (accept, format) in [
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("text/plain;q=0.5, application/openmetrics-text; version=1.0.0; q=0.4", Format::Prometheus),
            ("application/openmetrics-text; version=0.0.1", Format::Prometheus),
            ("application/openmetrics-text;q=0", Format::Prometheus),
            ("*/*", Format::Prometheus),
            ("text/html, */*;q=0.1", Format::Prometheus),
            ("", Format::Prometheus),
        ] {
            assert_eq!(preferred(accept), format, "{accept}");
        }
    }
}
