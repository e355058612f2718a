//! Resources and scopes of a chunk: each once, however many requests name it.

use std::collections::HashMap;

use super::{
    codec::{Cursor, put},
    encode::{Words, dropped, known, messages, text},
    model::{Resource, Scope},
};
use crate::wire::{self, AnyValue};

/// What Jaeger calls services that don't say their name.
mod nameless {
    pub(super) const MISSING: &[u8] = b"missing-service-name";
    pub(super) const EMPTY: &[u8] = b"empty-service-name";
    pub(super) const WRONG_TYPE: &[u8] = b"service-name-wrong-type";
}

/// Found by their message's bytes.
#[derive(Debug, Default)]
pub(super) struct Origins {
    resources: Table,
    /// The number of each resource's service name.
    services: Vec<u32>,
    scopes: Table,
}

#[derive(Debug, Default)]
struct Table {
    numbers: HashMap<Box<[u8]>, u32>,
    /// Where each stands.
    offsets: Vec<u32>,
    bytes: Vec<u8>,
    /// Bytes of all messages.
    keys: usize,
}

impl Origins {
    /// The resource's number.
    pub(super) fn resource(&mut self, message: &[u8], words: &mut Words) -> u32 {
        if let Some(number) = self.resources.numbers.get(message) {
            return *number;
        }
        self.services.push(words.strings.number(service_of(message)));
        self.resources.add(message, |bytes| {
            put_dropped(bytes, message, 2);
            words.put_attributes(bytes, messages(message, 1).map(wire::pair));
        })
    }

    /// The scope's number.
    pub(super) fn scope(&mut self, message: &[u8], words: &mut Words) -> u32 {
        if let Some(number) = self.scopes.numbers.get(message) {
            return *number;
        }
        let word = |number| known(message).filter(|field| field.number == number).last();
        self.scopes.add(message, |bytes| {
            put_dropped(bytes, message, 4);
            words.strings.put(bytes, word(1).as_ref().map_or(&[], text));
            words.strings.put(bytes, word(2).as_ref().map_or(&[], text));
            words.put_attributes(bytes, messages(message, 3).map(wire::pair));
        })
    }

    /// The text with the resource's service name.
    pub(super) fn service(&self, resource: u32) -> u32 {
        self.services.get(resource as usize).copied().unwrap_or(super::chunk::NONE)
    }

    /// Behind its count of dropped attributes: the attributes.
    pub(super) fn resource_at(&self, resource: u32) -> (u32, Cursor<'_>) {
        self.resources.at(resource)
    }

    /// Name, version, and the attributes.
    pub(super) fn scope_at<'c>(&'c self, scope: u32, words: &'c Words) -> (u32, &'c str, &'c str, Cursor<'c>) {
        let (dropped, mut cursor) = self.scopes.at(scope);
        let (name, version) = (words.strings.read(&mut cursor), words.strings.read(&mut cursor));
        (dropped, name, version, cursor)
    }

    pub(super) fn read_resource(&self, resource: u32, words: &Words) -> Resource {
        let (dropped, mut cursor) = self.resource_at(resource);
        let service = words.strings.get(self.service(resource)).to_owned();
        Resource { service, dropped, attributes: words.attributes(&mut cursor) }
    }

    pub(super) fn read_scope(&self, scope: u32, words: &Words) -> Scope {
        let (dropped, name, version, mut cursor) = self.scope_at(scope, words);
        let attributes = words.attributes(&mut cursor);
        Scope { name: name.to_owned(), version: version.to_owned(), dropped, attributes }
    }

    pub(super) fn size(&self) -> usize {
        self.resources.size() + self.scopes.size() + self.services.capacity() * size_of::<u32>()
    }
}

impl Table {
    fn add(&mut self, message: &[u8], write: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let number = self.offsets.len() as u32;
        self.numbers.insert(message.into(), number);
        self.keys += message.len();
        self.offsets.push(self.bytes.len() as u32);
        write(&mut self.bytes);
        number
    }

    fn at(&self, number: u32) -> (u32, Cursor<'_>) {
        let offset = self.offsets.get(number as usize).copied().unwrap_or(u32::MAX);
        let mut cursor = Cursor::at(&self.bytes, offset);
        (cursor.number() as u32, cursor)
    }

    fn size(&self) -> usize {
        // A key's row takes a pointer, a length and a number, and what the allocator needs for it.
        let keys = self.keys + self.numbers.capacity() * 48;
        keys + self.bytes.capacity() + self.offsets.capacity() * size_of::<u32>()
    }
}

fn put_dropped(bytes: &mut Vec<u8>, message: &[u8], number: u32) {
    put(bytes, known(message).filter(|field| field.number == number).last().as_ref().map_or(0, dropped));
}

/// The service's name; of several, the first.
fn service_of(resource: &[u8]) -> &[u8] {
    match messages(resource, 1).map(wire::pair).find(|pair| pair.key == b"service.name").map(|pair| pair.value) {
        None => nameless::MISSING,
        Some(AnyValue::Text(b"")) => nameless::EMPTY,
        Some(AnyValue::Text(name)) => name,
        Some(_) => nameless::WRONG_TYPE,
    }
}
