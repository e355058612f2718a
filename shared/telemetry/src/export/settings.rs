//! Where spans go, by OpenTelemetry's environment variables:
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/> and
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

use std::{str::FromStr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::DELAY;

/// Spans wait here for the exporter. OpenTelemetry's default of 2,048 is full after a tenth of a second at this shop's
/// rates, and what doesn't fit is lost.
const QUEUE: usize = 65_536;
const TIMEOUT: Duration = Duration::from_secs(10);

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `grpc`.
    Grpc,
    /// `http/protobuf`.
    Http,
}

/// Where spans go, and how.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The collector. For HTTP with the path: `http://127.0.0.1:4318/v1/traces`.
    pub endpoint: Uri,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// What goes along with every request, such as an API key.
    pub headers: HeaderMap,
    /// How long the collector may take for one request.
    pub timeout: Duration,
    /// How long a span waits for others before it is sent.
    pub delay: Duration,
    /// How many spans may wait; those that don't fit are lost and counted.
    pub queue: usize,
}

/// A variable that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {fault}; it is {value:?}")]
pub struct InvalidSetting {
    variable: &'static str,
    fault: &'static str,
    value: String,
}

/// Reads one variable; a variable that is empty counts as not set, as OpenTelemetry says.
type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Settings {
    /// What the environment says; `None` where it names no endpoint, or `OTEL_TRACES_EXPORTER=none`, or
    /// `OTEL_SDK_DISABLED=true`.
    ///
    /// # Errors
    /// The first variable that can't be used.
    pub fn from_environment() -> Result<Option<Self>, InvalidSetting> {
        Self::read(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn read(environment: Environment<'_>) -> Result<Option<Self>, InvalidSetting> {
        let off = environment("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || environment("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        let Some(protocol) = (!off).then(|| protocol(environment)).transpose()? else { return Ok(None) };
        let Some(endpoint) = endpoint(environment, protocol)? else { return Ok(None) };
        let milliseconds = |names: &[&'static str], default: Duration| -> Result<Duration, InvalidSetting> {
            let given = number(environment, names)?;
            Ok(given.map_or(default, Duration::from_millis))
        };
        if let Some((variable, value)) = trace_or_all(environment, COMPRESSION)
            && value != "none"
        {
            return Err(InvalidSetting { variable, fault: "must be none: nothing is compressed here", value });
        }
        Ok(Some(Self {
            endpoint,
            protocol,
            headers: headers(environment)?,
            timeout: milliseconds(&["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"], TIMEOUT)?,
            delay: milliseconds(&["OTEL_BSP_SCHEDULE_DELAY"], DELAY)?,
            queue: number(environment, &["OTEL_BSP_MAX_QUEUE_SIZE"])?.map_or(QUEUE, |size| (size as usize).max(1)),
        }))
    }
}

/// The variable for traces, which goes before the one for everything.
type Pair = [&'static str; 2];
const PROTOCOL: Pair = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const HEADERS: Pair = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
const COMPRESSION: Pair = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
const ENDPOINT: Pair = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

fn trace_or_all(environment: Environment<'_>, names: Pair) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, environment(name)?)))
}

fn protocol(environment: Environment<'_>) -> Result<Protocol, InvalidSetting> {
    match trace_or_all(environment, PROTOCOL) {
        None => Ok(Protocol::Grpc),
        Some((_, value)) if value == "grpc" => Ok(Protocol::Grpc),
        Some((_, value)) if value == "http/protobuf" => Ok(Protocol::Http),
        Some((variable, value)) => Err(InvalidSetting { variable, fault: "must be grpc or http/protobuf", value }),
    }
}

/// An endpoint for traces is taken as it is; to one for everything HTTP's path is added.
fn endpoint(environment: Environment<'_>, protocol: Protocol) -> Result<Option<Uri>, InvalidSetting> {
    let Some((variable, value)) = trace_or_all(environment, ENDPOINT) else { return Ok(None) };
    let wrong = |fault| InvalidSetting { variable, fault, value: value.clone() };
    let url = if protocol == Protocol::Http && variable == ENDPOINT[1] {
        format!("{}/v1/traces", value.trim_end_matches('/'))
    } else {
        value.clone()
    };
    let uri = Uri::from_str(&url).map_err(|_| wrong("must be a URL such as http://127.0.0.1:4317"))?;
    match uri.scheme_str() {
        Some("http") if uri.authority().is_some() => Ok(Some(uri)),
        Some("https") => Err(wrong("must begin with http://: TLS is a collector's task on this machine")),
        _ => Err(wrong("must be a URL such as http://127.0.0.1:4317")),
    }
}

/// `key=value`, several separated by commas, values percent-encoded.
fn headers(environment: Environment<'_>) -> Result<HeaderMap, InvalidSetting> {
    let Some((variable, value)) = trace_or_all(environment, HEADERS) else { return Ok(HeaderMap::new()) };
    // The value may be a secret: it is not shown.
    let wrong = || InvalidSetting { variable, fault: "must be name=value,name=value", value: "…".to_owned() };
    let pairs = value.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
            let name = HeaderName::from_str(name.trim()).map_err(|_| wrong())?;
            let value = HeaderValue::from_bytes(&decoded(value.trim()).ok_or_else(wrong)?).map_err(|_| wrong())?;
            Ok((name, value))
        })
        .collect()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut rest = text.as_bytes();
    let mut octets = Vec::with_capacity(rest.len());
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        octets.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    Some(octets)
}

fn number(environment: Environment<'_>, names: &[&'static str]) -> Result<Option<u64>, InvalidSetting> {
    let Some((variable, value)) = names.iter().find_map(|name| Some((*name, environment(name)?))) else {
        return Ok(None);
    };
    value.parse().map(Some).map_err(|_| InvalidSetting { variable, fault: "must be a whole number", value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, InvalidSetting> {
        Settings::read(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn without_an_endpoint_nothing_is_sent() {
        assert!(read(&[]).unwrap().is_none());
        let endpoint = (ENDPOINT[1], "http://127.0.0.1:4317");
        assert!(read(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]).unwrap().is_none());
        assert!(read(&[endpoint, ("OTEL_SDK_DISABLED", "true")]).unwrap().is_none());
        let settings = read(&[endpoint]).unwrap().unwrap();
        assert_eq!((settings.protocol, settings.queue), (Protocol::Grpc, 65_536));
    }

    #[test]
    fn the_path_is_added_to_an_endpoint_for_everything() {
        let http = (PROTOCOL[1], "http/protobuf");
        let endpoint = |variables: &[(&str, &str)]| read(variables).unwrap().unwrap().endpoint.to_string();
        assert_eq!(endpoint(&[http, (ENDPOINT[1], "http://a:4318/")]), "http://a:4318/v1/traces");
        assert_eq!(endpoint(&[http, (ENDPOINT[0], "http://a:4318/here")]), "http://a:4318/here");
    }

    #[test]
    fn headers_are_decoded() {
        let headers = (HEADERS[1], "api-key=a%20b%3D, x=1");
        let settings = read(&[(ENDPOINT[1], "http://a:1"), headers]).unwrap().unwrap();
        assert_eq!(settings.headers["api-key"], "a b=");
        assert_eq!(settings.headers["x"], "1");
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        for (name, value) in [
            (ENDPOINT[1], "127.0.0.1:4317"),
            (ENDPOINT[0], "https://collector:4317"),
            (PROTOCOL[0], "http/json"),
            (HEADERS[1], "secret"),
            (COMPRESSION[1], "gzip"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
            ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
        ] {
            let fault = read(&[(name, value), (ENDPOINT[1], "http://a:1")]).unwrap_err().to_string();
            assert!(fault.starts_with(name), "{fault}");
            assert!(!fault.contains("secret"), "{fault}");
        }
    }
}
