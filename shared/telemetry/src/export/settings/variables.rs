//! OpenTelemetry's variables, as text and as what they mean.

use std::{str::FromStr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::{Destination, Protocol, Tls};
use crate::export::Signal;

const TIMEOUT: Duration = Duration::from_secs(10);
const URL: &str = "must be a URL such as http://127.0.0.1:4317";

/// A variable that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {fault}; it is {value:?}")]
pub struct InvalidSetting {
    pub(super) variable: String,
    pub(super) fault: String,
    pub(super) value: String,
}

/// Reads one variable; a variable that is empty counts as not set, as OpenTelemetry says.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable that is set.
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether it is of this signal alone.
    own: bool,
}

impl Variable {
    pub(super) fn wrong(self, fault: impl Into<String>) -> InvalidSetting {
        InvalidSetting { variable: self.name, fault: fault.into(), value: self.value }
    }
}

/// The variables as one signal sees them.
#[derive(Clone, Copy)]
pub(super) struct Variables<'a> {
    pub(super) signal: Signal,
    pub(super) environment: Environment<'a>,
}

impl Variables<'_> {
    pub(super) fn get(&self, name: &str) -> Option<Variable> {
        (self.environment)(name).map(|value| Variable { name: name.to_owned(), value, own: true })
    }

    /// The variable of this signal, which goes before the one of all.
    pub(super) fn own_or_all(&self, what: &str) -> Option<Variable> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", self.signal.in_variables());
        let all =
            || self.get(&format!("OTEL_EXPORTER_OTLP_{what}")).map(|variable| Variable { own: false, ..variable });
        self.get(&own).or_else(all)
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, InvalidSetting> {
        self.get(name).map(whole).transpose()
    }

    pub(super) fn milliseconds(&self, name: &str) -> Result<Option<Duration>, InvalidSetting> {
        Ok(self.number(name)?.map(Duration::from_millis))
    }

    /// Whether this signal is sent at all: `None` where that hangs on an endpoint being named.
    fn wanted(&self) -> Result<Option<bool>, InvalidSetting> {
        if (self.environment)("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(Some(false));
        }
        let Some(exporter) = self.get(&format!("OTEL_{}_EXPORTER", self.signal.in_variables())) else {
            return Ok(None);
        };
        let mut sent = false;
        for name in exporter.value.split(',').map(str::trim) {
            match name {
                "otlp" => sent = true,
                "none" => {}
                "prometheus" if self.signal == Signal::Metrics => {}
                _ if self.signal == Signal::Metrics => return Err(exporter.wrong("must be otlp, prometheus or none")),
                _ => return Err(exporter.wrong("must be otlp or none")),
            }
        }
        Ok(Some(sent))
    }

    /// Where this signal goes; `None` where it goes nowhere.
    pub(super) fn destination(&self) -> Result<Option<Destination>, InvalidSetting> {
        let wanted = self.wanted()?;
        if wanted == Some(false) {
            return Ok(None);
        }
        let protocol = self.protocol()?;
        let Some((endpoint, variable)) = self.endpoint(protocol, wanted == Some(true))? else { return Ok(None) };
        let secure = endpoint.scheme_str() == Some("https");
        let timeout = self.own_or_all("TIMEOUT").map(whole).transpose()?;
        Ok(Some(Destination {
            signal: self.signal,
            endpoint,
            protocol,
            headers: self.headers()?,
            timeout: timeout.map_or(TIMEOUT, Duration::from_millis),
            gzip: self.compression()?,
            tls: secure.then(|| Tls::of(self, variable)).transpose()?,
        }))
    }

    fn protocol(&self) -> Result<Protocol, InvalidSetting> {
        match self.own_or_all("PROTOCOL") {
            None => Ok(Protocol::Grpc),
            Some(given) if given.value == "grpc" => Ok(Protocol::Grpc),
            Some(given) if given.value == "http/protobuf" => Ok(Protocol::Http),
            Some(given) => Err(given.wrong("must be grpc or http/protobuf")),
        }
    }

    fn compression(&self) -> Result<bool, InvalidSetting> {
        match self.own_or_all("COMPRESSION") {
            None => Ok(false),
            Some(given) if given.value == "none" => Ok(false),
            Some(given) if given.value == "gzip" => Ok(true),
            Some(given) => Err(given.wrong("must be gzip or none")),
        }
    }

    /// An endpoint of one signal is taken as it is; to one for everything HTTP's path is added. Where none is named but one
    /// is `expected`, it is OTLP's own port on this machine.
    fn endpoint(&self, protocol: Protocol, expected: bool) -> Result<Option<(Uri, Variable)>, InvalidSetting> {
        let usual = || {
            let port = if protocol == Protocol::Grpc { 4317 } else { 4318 };
            let name = "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned();
            expected.then(|| Variable { name, value: format!("http://localhost:{port}"), own: false })
        };
        let Some(given) = self.own_or_all("ENDPOINT").or_else(usual) else { return Ok(None) };
        let url = if protocol == Protocol::Http && !given.own {
            format!("{}{}", given.value.trim_end_matches('/'), self.signal.path())
        } else {
            given.value.clone()
        };
        let Ok(uri) = Uri::from_str(&url) else { return Err(given.wrong(URL)) };
        match uri.scheme_str() {
            Some("http" | "https") if uri.authority().is_some() => Ok(Some((uri, given))),
            _ => Err(given.wrong(URL)),
        }
    }

    /// `key=value`, several separated by commas, values percent-encoded.
    fn headers(&self) -> Result<HeaderMap, InvalidSetting> {
        let Some(given) = self.own_or_all("HEADERS") else { return Ok(HeaderMap::new()) };
        let pairs = given.value.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let headers: Option<HeaderMap> = pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=')?;
                let name = HeaderName::from_str(name.trim()).ok()?;
                Some((name, HeaderValue::from_bytes(&decoded(value.trim())?).ok()?))
            })
            .collect();
        // The value may be a secret: it is not shown.
        let hidden = Variable { value: "…".to_owned(), ..given };
        headers.ok_or_else(|| hidden.wrong("must be name=value,name=value"))
    }
}

fn whole(given: Variable) -> Result<u64, InvalidSetting> {
    given.value.parse().map_err(|_| given.wrong("must be a whole number"))
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
