//! What stands around items in a request. OTLP's requests for traces, metrics and logs differ in names alone.

use bytes::Bytes;
use opentelemetry_sdk::Resource;

use crate::{
    attribute,
    wire::{self, Wire},
};

/// Of the semantic conventions that attributes are named by.
const SCHEMA: &str = "https://opentelemetry.io/schemas/1.37.0";
/// The scope of spans and log records.
const SCOPE: &str = "plumbline";

/// Whose the items of a request are.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The resource and the schema, fields 1 and 3 of `ResourceSpans`.
    resource: Vec<u8>,
    /// The scope, field 1 of `ScopeSpans`; empty where what is sent has its scopes.
    scope: Vec<u8>,
}

impl Frame {
    /// Around items of this program's one scope: spans, log records.
    pub(super) fn around_items(resource: &Resource) -> Self {
        let mut scope = Vec::new();
        scope.head(1, wire::len_delimited(SCOPE.len()));
        scope.text(1, SCOPE);
        Self { scope, ..Self::around_scopes(resource) }
    }

    /// Around what has its scopes around it already: metrics.
    pub(super) fn around_scopes(resource: &Resource) -> Self {
        let mut attributes = Vec::new();
        for (key, value) in resource {
            if let Some(value) = attribute::of(value) {
                attribute::write(&mut attributes, 1, key.as_str(), value);
            }
        }
        let mut of_resource = Vec::new();
        of_resource.bytes(1, &attributes);
        of_resource.text(3, SCHEMA);
        Self { resource: of_resource, scope: Vec::new() }
    }

    /// What goes before so many bytes.
    pub(super) fn head(&self, bytes: usize) -> Bytes {
        let mut head = Vec::with_capacity(self.resource.len() + self.scope.len() + 24);
        if self.scope.is_empty() {
            head.head(1, self.resource.len() + bytes);
            head.extend_from_slice(&self.resource);
            return head.into();
        }
        let of_scope = self.scope.len() + bytes;
        head.head(1, self.resource.len() + wire::len_delimited(of_scope));
        head.extend_from_slice(&self.resource);
        head.head(2, of_scope);
        head.extend_from_slice(&self.scope);
        head.into()
    }
}
