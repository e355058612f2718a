//! A request taken apart into spans that may be kept.

use super::{
    check::{Check, Fault, Limits, Trouble},
    fields::{Malformed, fields},
    parts::{Parts, Span},
};

/// The spans of one request, taken apart in place, and what was refused.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    pub(crate) groups: Vec<Group<'a>>,
    pub(crate) parts: Parts<'a>,
    /// How many spans are kept.
    pub accepted: usize,
    /// How many are not.
    pub rejected: usize,
    /// Why the first of those is not.
    pub first_fault: Option<Fault>,
}

/// Spans of one resource and scope.
#[derive(Debug)]
pub struct Group<'a> {
    pub(crate) resource: &'a [u8],
    pub(crate) scope: &'a [u8],
    pub(crate) spans: Vec<Span<'a>>,
}

impl<'a> Batch<'a> {
    /// Reads an `ExportTraceServiceRequest`.
    ///
    /// # Errors
    /// When it is none; single spans that are at fault are left out and counted instead.
    pub fn read(request: &'a [u8], limits: &Limits) -> Result<Self, Malformed> {
        let mut batch = Self::default();
        for field in fields(request) {
            let field = field?;
            if field.number == 1 {
                batch.resource_spans(field.bytes()?, limits)?;
            }
        }
        Ok(batch)
    }

    /// What a client is told of spans that were refused.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let fault = self.first_fault?;
        Some(format!("{} of {} spans refused; of the first: {fault}", self.rejected, self.rejected + self.accepted))
    }

    fn resource_spans(&mut self, message: &'a [u8], limits: &Limits) -> Result<(), Malformed> {
        let mut resource = &[][..];
        let mut scopes = Vec::new();
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => resource = field.bytes()?,
                2 => scopes.push(field.bytes()?),
                3 => _ = field.text()?,
                _ => {}
            }
        }
        let fault = fault_of(Check::new(limits).resource(resource))?;
        for scope in scopes {
            self.scope_spans(resource, scope, fault, limits)?;
        }
        Ok(())
    }

    fn scope_spans(
        &mut self,
        resource: &'a [u8],
        message: &'a [u8],
        outer: Option<Fault>,
        limits: &Limits,
    ) -> Result<(), Malformed> {
        let mut group = Group { resource, scope: &[], spans: Vec::new() };
        let mut spans = Vec::new();
        for field in fields(message) {
            let field = field?;
            match field.number {
                1 => group.scope = field.bytes()?,
                2 => spans.push(field.bytes()?),
                3 => _ = field.text()?,
                _ => {}
            }
        }
        let outer = fault_of(Check::new(limits).scope(group.scope))?.or(outer);
        group.spans.reserve(spans.len());
        for span in spans {
            let fault = match Check::new(limits).span(span, &mut self.parts) {
                Ok(span) if outer.is_none() => {
                    group.spans.push(span);
                    continue;
                }
                Ok(_) => outer,
                Err(Trouble::Fault(fault)) => outer.or(Some(fault)),
                Err(Trouble::Malformed(malformed)) => return Err(malformed),
            };
            self.rejected += 1;
            self.first_fault = self.first_fault.or(fault);
        }
        self.accepted += group.spans.len();
        self.groups.push(group);
        Ok(())
    }
}

fn fault_of(checked: Result<(), Trouble>) -> Result<Option<Fault>, Malformed> {
    match checked {
        Ok(()) => Ok(None),
        Err(Trouble::Fault(fault)) => Ok(Some(fault)),
        Err(Trouble::Malformed(malformed)) => Err(malformed),
    }
}
