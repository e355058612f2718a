//! A line for each event, with the ids of its trace.

use std::{fmt, io::IsTerminal as _};

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter, format,
        format::{Format as Line, Writer},
        layer as fmt_layer,
    },
    registry::LookupSpan,
};

use super::{Format, trace};

/// Writes lines to standard error.
pub(super) fn layer<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    to(format, std::io::stderr, std::io::stderr().is_terminal())
}

fn to<S, W>(format: Format, writer: W, colours: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match format {
        Format::Pretty => {
            let line = WithTrace { line: Line::default().with_ansi(colours), ids: Ids::AtTheEnd };
            fmt_layer().event_format(line).with_writer(writer).with_ansi(colours).boxed()
        }
        Format::Json => {
            let line = WithTrace { line: Line::default().json().flatten_event(true), ids: Ids::InTheObject };
            fmt_layer().event_format(line).fmt_fields(format::JsonFields::new()).with_writer(writer).boxed()
        }
    }
}

/// A line of tracing's own, and the ids of the trace in it.
struct WithTrace<L> {
    line: L,
    ids: Ids,
}

/// Where ids stand.
enum Ids {
    AtTheEnd,
    InTheObject,
}

impl<S, N, L> FormatEvent<S, N> for WithTrace<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    L: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(trace) = trace::of(event) else { return self.line.format_event(context, to, event) };
        let mut line = String::with_capacity(256);
        self.line.format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end();
        let (trace, span) = (trace.trace_id(), trace.span_id());
        match (&self.ids, line.strip_suffix('}')) {
            (Ids::InTheObject, Some(open)) => {
                writeln!(to, "{open},\"trace_id\":\"{trace}\",\"span_id\":\"{span}\"}}")
            }
            _ => writeln!(to, "{line} trace_id={trace} span_id={span}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::context::{self, TraceContext};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Format, log: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::registry().with(to(format, move || writer.clone(), false));
        tracing::subscriber::with_default(subscriber, log);
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const IDS: (&str, &str) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");

    fn trace() -> TraceContext {
        format!("00-{}-{}-01", IDS.0, IDS.1).parse().unwrap()
    }

    #[test]
    fn a_line_names_the_trace_of_its_field_or_of_its_scope() {
        let by_field = written(Format::Pretty, || tracing::warn!(trace = %trace(), order = 7, "refused"));
        let by_scope = written(Format::Pretty, || context::in_scope(trace(), || tracing::warn!("refused")));
        let ids = format!(" trace_id={} span_id={}\n", IDS.0, IDS.1);
        assert!(by_field.contains("refused") && by_field.contains("order=7") && by_field.ends_with(&ids), "{by_field}");
        assert!(by_scope.contains("WARN") && by_scope.ends_with(&ids), "{by_scope}");
        let without = written(Format::Pretty, || tracing::warn!("refused"));
        assert!(!without.contains("trace_id"), "{without}");
    }

    #[test]
    fn a_json_line_has_them_as_members() {
        let line = written(Format::Json, || context::in_scope(trace(), || tracing::warn!(order = 7, "a \"b\" }}")));
        let ids = format!(",\"trace_id\":\"{}\",\"span_id\":\"{}\"}}\n", IDS.0, IDS.1);
        assert!(line.starts_with('{') && line.ends_with(&ids) && line.contains("\"order\":7,"), "{line}");
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn of_several_an_option_counts_where_it_is_some() {
        let some = written(Format::Pretty, || tracing::warn!(trace = ?Some(trace()), "kept"));
        assert!(some.contains(" trace_id="), "{some}");
        let none = written(Format::Pretty, || tracing::warn!(trace = ?None::<TraceContext>, "kept"));
        assert!(!none.contains(" trace_id="), "{none}");
    }
}
