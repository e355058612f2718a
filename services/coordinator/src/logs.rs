//! Events as lines of JSON with etcd's keys, so that what watches etcd's log can watch this one.

use std::{
    fmt,
    fs::File,
    io::{self, Write},
    sync::Arc,
};

use serde_json::Value;
use time::OffsetDateTime;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    filter::Targets,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// What is logged, how and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Nothing below.
    pub level: Level,
    /// Lines of JSON, or lines for people.
    pub json: bool,
    /// `stderr`, `stdout`, `default` (which is `stderr`), or files to append to.
    pub outputs: Vec<String>,
}

/// Why logs can't be written.
#[derive(Debug, thiserror::Error)]
#[error("--log-outputs: cannot open {output}: {source}")]
pub struct LogError {
    output: String,
    source: io::Error,
}

/// Sends this process's events there from now on.
///
/// # Errors
/// When a file can't be opened.
pub fn install(settings: &LogSettings) -> Result<(), LogError> {
    let outputs = settings.outputs.iter().map(|output| Output::open(output)).collect::<Result<Vec<_>, _>>()?;
    let outputs = Outputs(outputs.into());
    // What libraries have to say is of use to those who debug them.
    let filter = Targets::new().with_default(settings.level.min(Level::WARN)).with_targets([
        ("coordinator", settings.level),
        ("consensus", settings.level),
        ("raft", settings.level),
    ]);
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(outputs);
    // A second call, in a test, finds the first one's logs in place.
    if settings.json {
        registry.with(layer.event_format(Zap)).try_init().ok();
    } else {
        registry.with(layer.with_ansi(false)).try_init().ok();
    }
    Ok(())
}

/// One line, as etcd's logger writes it.
struct Zap;

impl<S, N> FormatEvent<S, N> for Zap
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let caller = Value::from(caller(metadata.file(), metadata.line()));
        let (level, message) = (level(*metadata.level()), Value::from(fields.message));
        write!(writer, r#"{{"level":"{level}","ts":"{}","caller":{caller},"msg":{message}"#, now())?;
        for (name, value) in fields.others {
            write!(writer, ",{}:{value}", Value::from(name))?;
        }
        writer.write_str("}\n")
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

/// To the microsecond, in UTC.
fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let (date, (hour, minute, second, micros)) = (now.date(), now.time().as_hms_micro());
    format!("{date}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// The last directory and the file, as etcd has it.
fn caller(file: Option<&str>, line: Option<u32>) -> String {
    let file = file.unwrap_or_default();
    let cut = file.rmatch_indices('/').nth(1).map_or(0, |(place, _)| place + 1);
    format!("{}:{}", &file[cut..], line.unwrap_or_default())
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, Value)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.others.push((field.name(), text.into()));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.others.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others.push((field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others.push((field.name(), value.into()));
    }
}

#[derive(Clone)]
enum Output {
    Stderr,
    Stdout,
    File(Arc<File>),
}

impl Output {
    fn open(output: &str) -> Result<Self, LogError> {
        match output {
            "default" | "stderr" | "systemd/journal" => Ok(Self::Stderr),
            "stdout" => Ok(Self::Stdout),
            path => {
                let file = File::options().create(true).append(true).open(path);
                file.map(|file| Self::File(Arc::new(file)))
                    .map_err(|source| LogError { output: path.to_owned(), source })
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stderr => io::stderr().write_all(bytes),
            Self::Stdout => io::stdout().write_all(bytes),
            Self::File(file) => file.as_ref().write_all(bytes),
        }
    }
}

#[derive(Clone)]
struct Outputs(Arc<[Output]>);

impl Write for Outputs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.iter().try_for_each(|output| output.write(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Outputs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_a_directory_and_a_file() {
        assert_eq!(caller(Some("services/coordinator/src/engine/driver.rs"), Some(7)), "engine/driver.rs:7");
        assert_eq!(caller(Some("main.rs"), None), "main.rs:0");
    }

    #[test]
    fn a_time_is_etcds() {
        let now = now();
        assert!(now.ends_with('Z') && now.contains('T') && now.contains('.'), "{now}");
    }
}
