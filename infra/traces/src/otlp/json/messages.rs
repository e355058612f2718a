//! The messages, as JSON has them, and how they are written.

use serde::Deserialize;

use super::values::{Hex, List, Number, Pair, Text};
use crate::wire::Writer;

macro_rules! message {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub(super) struct $name {
            $($field: $type,)*
        }
    };
}

message! {
    /// `ExportTraceServiceRequest`.
    Request { resource_spans: List<ResourceSpans> }
}
message!(ResourceSpans { resource: Option<Resource>, scope_spans: List<ScopeSpans>, schema_url: Text });
message!(Resource { attributes: List<Pair>, dropped_attributes_count: Number<u32> });
message!(ScopeSpans { scope: Option<Scope>, spans: List<Span>, schema_url: Text });
message!(Scope { name: Text, version: Text, attributes: List<Pair>, dropped_attributes_count: Number<u32> });
message!(Span {
    trace_id: Hex,
    span_id: Hex,
    trace_state: Text,
    parent_span_id: Hex,
    flags: Number<u32>,
    name: Text,
    kind: Number<i32>,
    start_time_unix_nano: Number<u64>,
    end_time_unix_nano: Number<u64>,
    attributes: List<Pair>,
    dropped_attributes_count: Number<u32>,
    events: List<Event>,
    dropped_events_count: Number<u32>,
    links: List<Link>,
    dropped_links_count: Number<u32>,
    status: Option<Status>,
});
message!(Event { time_unix_nano: Number<u64>, name: Text, attributes: List<Pair>, dropped_attributes_count: Number<u32> });
message!(Link {
    trace_id: Hex,
    span_id: Hex,
    trace_state: Text,
    attributes: List<Pair>,
    dropped_attributes_count: Number<u32>,
    flags: Number<u32>,
});
message!(Status { message: Text, code: Number<i32> });

impl Request {
    pub(super) fn write(&self, request: &mut Writer) {
        for group in &self.resource_spans.0 {
            request.message(1, |out| group.write(out));
        }
    }
}

impl ResourceSpans {
    fn write(&self, out: &mut Writer) {
        if let Some(resource) = &self.resource {
            out.message(1, |out| {
                pairs(out, 1, &resource.attributes);
                out.varint(2, resource.dropped_attributes_count.0.into());
            });
        }
        for group in &self.scope_spans.0 {
            out.message(2, |out| group.write(out));
        }
        self.schema_url.write(out, 3);
    }
}

impl ScopeSpans {
    fn write(&self, out: &mut Writer) {
        if let Some(scope) = &self.scope {
            out.message(1, |out| {
                scope.name.write(out, 1);
                scope.version.write(out, 2);
                pairs(out, 3, &scope.attributes);
                out.varint(4, scope.dropped_attributes_count.0.into());
            });
        }
        for span in &self.spans.0 {
            out.message(2, |out| span.write(out));
        }
        self.schema_url.write(out, 3);
    }
}

impl Span {
    fn write(&self, out: &mut Writer) {
        out.bytes(1, &self.trace_id.0);
        out.bytes(2, &self.span_id.0);
        self.trace_state.write(out, 3);
        out.bytes(4, &self.parent_span_id.0);
        self.name.write(out, 5);
        out.varint(6, self.kind.0 as u64);
        out.fixed64(7, self.start_time_unix_nano.0);
        out.fixed64(8, self.end_time_unix_nano.0);
        pairs(out, 9, &self.attributes);
        out.varint(10, self.dropped_attributes_count.0.into());
        for event in &self.events.0 {
            out.message(11, |out| event.write(out));
        }
        out.varint(12, self.dropped_events_count.0.into());
        for link in &self.links.0 {
            out.message(13, |out| link.write(out));
        }
        out.varint(14, self.dropped_links_count.0.into());
        if let Some(status) = &self.status {
            out.message(15, |out| {
                status.message.write(out, 2);
                out.varint(3, status.code.0 as u64);
            });
        }
        out.fixed32(16, self.flags.0);
    }
}

impl Event {
    fn write(&self, out: &mut Writer) {
        out.fixed64(1, self.time_unix_nano.0);
        self.name.write(out, 2);
        pairs(out, 3, &self.attributes);
        out.varint(4, self.dropped_attributes_count.0.into());
    }
}

impl Link {
    fn write(&self, out: &mut Writer) {
        out.bytes(1, &self.trace_id.0);
        out.bytes(2, &self.span_id.0);
        self.trace_state.write(out, 3);
        pairs(out, 4, &self.attributes);
        out.varint(5, self.dropped_attributes_count.0.into());
        out.fixed32(6, self.flags.0);
    }
}

fn pairs(out: &mut Writer, number: u32, pairs: &List<Pair>) {
    for pair in &pairs.0 {
        out.message(number, |out| pair.write(out));
    }
}
