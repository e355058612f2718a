//! Which spans of a chunk have what is searched for.

use std::collections::{HashMap, HashSet};

use super::{
    Search,
    chunk::{Chunk, NONE},
    decode::{Head, Raw},
    model::{STATUS_ERROR, TraceId, words},
    strings::Strings,
    text,
};

/// A search, in the numbers of one chunk.
pub(super) struct Matching<'c> {
    chunk: &'c Chunk,
    search: &'c Search,
    /// Of each operation, whether it is one that is searched for.
    operations: Vec<bool>,
    tags: Vec<Tag<'c>>,
    /// Whether nothing here can match.
    is_hopeless: bool,
}

struct Tag<'c> {
    key: &'c str,
    text: &'c str,
    /// The key's number; `None` where no attribute has that name.
    number: Option<u32>,
    int: Option<i64>,
    /// Whether a resource or scope has it, as far as it was looked up.
    of_resource: HashMap<u32, bool>,
    of_scope: HashMap<u32, bool>,
}

impl<'c> Matching<'c> {
    pub(super) fn new(chunk: &'c Chunk, search: &'c Search) -> Self {
        let strings = &chunk.words.strings;
        let service = strings.find(&search.service);
        let name = search.operation.as_ref().map(|name| strings.find(name));
        let is_wanted = |operation: &super::chunk::Operation| {
            Some(operation.service) == service && name.is_none_or(|name| Some(operation.name) == name)
        };
        let operations: Vec<bool> = chunk.operations.iter().map(is_wanted).collect();
        let tags: Vec<_> = search.tags.iter().map(|(key, text)| Tag::new(chunk, key, text)).collect();
        let in_time = chunk.starts.is_some_and(|(first, last)| first <= search.end && last >= search.start);
        let is_hopeless = !in_time || !operations.contains(&true) || tags.iter().any(|tag| !tag.may_be_in(chunk));
        Self { chunk, search, operations, tags, is_hopeless }
    }

    /// At most `limit` traces that aren't known yet, those with the newest spans first.
    pub(super) fn traces(mut self, limit: usize, known: &HashSet<TraceId>) -> Vec<TraceId> {
        let mut found = Vec::new();
        if self.is_hopeless {
            return found;
        }
        let chunk = self.chunk;
        let mut seen = vec![false; chunk.traces.len()];
        for span in (0..chunk.spans() as u32).rev() {
            if found.len() >= limit {
                break;
            }
            let operation = chunk.operation_of[span as usize] as usize;
            let trace = chunk.trace_of[span as usize] as usize;
            if !self.operations.get(operation).is_some_and(|wanted| *wanted) || seen.get(trace) != Some(&false) {
                continue;
            }
            if self.matches(span) {
                seen[trace] = true;
                found.extend(chunk.traces.get(trace).map(|trace| trace.id).filter(|id| !known.contains(id)));
            }
        }
        found
    }

    fn matches(&mut self, span: u32) -> bool {
        let Search { start, end, shortest, longest, .. } = *self.search;
        let head = self.chunk.head(span);
        let duration = head.duration();
        let fits = (start..=end).contains(&head.start) && (shortest..=longest).contains(&duration);
        fits && (self.tags.is_empty() || self.has_tags(span, &head))
    }

    fn has_tags(&mut self, span: u32, head: &Head<'c>) -> bool {
        let chunk = self.chunk;
        self.tags.iter_mut().all(|tag| tag.is_of_span(chunk, span, head) || tag.is_of_origin(chunk, head))
    }
}

impl<'c> Tag<'c> {
    fn new(chunk: &'c Chunk, key: &'c str, text: &'c str) -> Self {
        let int = text.parse().ok().filter(|int: &i64| int.to_string() == text);
        let number = chunk.words.keys.find(key);
        Self { key, text, number, int, of_resource: HashMap::new(), of_scope: HashMap::new() }
    }

    /// Whether it could be here, by the tables alone. That is what makes a rare value quick to find.
    fn may_be_in(&self, chunk: &Chunk) -> bool {
        let words = &chunk.words;
        let may_be_text = words.strings.find(self.text).is_some() || !Strings::shares(self.text);
        let may_be_other = self.int.is_some() || matches!(self.text, "true" | "false") || words.has_other_values;
        is_made_up(self.key) || self.number.is_some() && (may_be_text || may_be_other)
    }

    fn is_of_span(&self, chunk: &'c Chunk, span: u32, head: &Head<'c>) -> bool {
        let mut middle = head.clone().middle(&chunk.words);
        let is = |text: Option<&str>| text == Some(self.text);
        let made_up = match self.key {
            "span.kind" => is(words::kind(chunk.operation_at(span).kind)),
            "otel.status_code" => is(words::status(middle.status)),
            "otel.status_description" => is(Some(middle.message)),
            "w3c.tracestate" => is(Some(middle.state)),
            "error" => match self.text {
                "true" => middle.status == STATUS_ERROR,
                "false" => middle.status != STATUS_ERROR,
                _ => false,
            },
            _ => false,
        };
        if made_up || self.number.is_none() {
            return made_up;
        }
        let mut found = self.is_in(chunk, &mut middle.rest);
        for _ in 0..middle.events() {
            if found {
                break;
            }
            // Its time, name and count of what was left out stand before its attributes.
            middle.rest.number();
            chunk.words.strings.read(&mut middle.rest);
            middle.rest.number();
            found = self.is_in(chunk, &mut middle.rest);
        }
        found
    }

    fn is_of_origin(&mut self, chunk: &Chunk, head: &Head<'_>) -> bool {
        if let (Some(resource), Some(scope)) = (self.of_resource.get(&head.resource), self.of_scope.get(&head.scope)) {
            return *resource || *scope;
        }
        let of_resource = self.is_in(chunk, &mut chunk.origins.resource_at(head.resource).1);
        let (_, name, version, mut attributes) = chunk.origins.scope_at(head.scope, &chunk.words);
        let of_scope = match self.key {
            "otel.scope.name" => name == self.text,
            "otel.scope.version" => version == self.text,
            _ => self.is_in(chunk, &mut attributes),
        };
        self.of_resource.insert(head.resource, of_resource);
        self.of_scope.insert(head.scope, of_scope);
        of_resource || of_scope
    }

    /// Reads a whole list of attributes, or up to the one that matches.
    fn is_in<'w>(&self, chunk: &'w Chunk, cursor: &mut super::codec::Cursor<'w>) -> bool {
        let key = self.number.unwrap_or(NONE);
        while let Some((number, raw)) = chunk.words.next_pair(cursor) {
            if number == key && self.is(chunk, raw) {
                return true;
            }
        }
        false
    }

    fn is<'w>(&self, chunk: &'w Chunk, raw: Raw<'w>) -> bool {
        match raw {
            Raw::Text(text) => text == self.text,
            Raw::Int(value) => self.int == Some(value),
            Raw::Bool(value) => self.text == if value { "true" } else { "false" },
            Raw::Empty => self.text.is_empty(),
            other => text::value(&chunk.words.value(other)) == self.text,
        }
    }
}

/// Tags that Jaeger makes of a span's other fields.
fn is_made_up(key: &str) -> bool {
    matches!(
        key,
        "span.kind"
            | "error"
            | "otel.status_code"
            | "otel.status_description"
            | "otel.scope.name"
            | "otel.scope.version"
            | "w3c.tracestate"
    )
}
