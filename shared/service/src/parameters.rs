//! Parameters of path and query, with every fault named together.

use std::{fmt::Display, str::FromStr};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Query as UrlEncoded};
use contracts::problem::Fault;
use futures::future::{Ready, ready};

use crate::problem::ApiError;

/// The query's parameters: asked for one by one, then [`Query::finish`] answers with every fault, parameters that
/// nobody asked for among them.
#[derive(Debug, Clone)]
pub struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl FromRequest for Query {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

impl Query {
    fn parse(query: &str) -> Result<Self, ApiError> {
        let pairs = UrlEncoded::<Vec<(String, String)>>::from_query(query)
            .map_err(|error| ApiError::invalid(vec![Fault::parameter("query", error)]))?
            .into_inner();
        Ok(Self { pairs, known: Vec::new(), faults: Vec::new() })
    }

    /// A parameter that may be left out, and stands at most once.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        let mut given = self.all(name);
        if given.len() > 1 {
            self.faults.push(Fault::parameter(name, "may stand once only"));
        }
        given.pop()
    }

    /// A parameter that may stand several times.
    pub fn all<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Vec<T> {
        self.known.push(name);
        let mut values = Vec::new();
        for (_, text) in self.pairs.iter().filter(|(given, _)| given == name) {
            match text.parse() {
                Ok(value) => values.push(value),
                Err(fault) => self.faults.push(Fault::parameter(name, format!("{text:?}: {fault}"))),
            }
        }
        values
    }

    /// A page size: 1 to `most`, `default` where it isn't given.
    pub fn limit(&mut self, default: u16, most: u16) -> u16 {
        match self.optional::<u16>("limit") {
            None => default,
            Some(limit) if (1..=most).contains(&limit) => limit,
            Some(limit) => {
                self.fault("limit", format!("must be from 1 to {most}, not {limit}"));
                default
            }
        }
    }

    /// Adds a fault that only the caller can see.
    pub fn fault(&mut self, name: &'static str, detail: impl ToString) {
        self.faults.push(Fault::parameter(name, detail));
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 400 with every fault, if there is any.
    pub fn finish(mut self) -> Result<(), ApiError> {
        for (name, _) in &self.pairs {
            if !self.known.contains(&name.as_str()) {
                let known = self.known.join(", ");
                self.faults.push(Fault::parameter(name, format!("unknown; there are: {known}")));
            }
        }
        if self.faults.is_empty() { Ok(()) } else { Err(ApiError::invalid(self.faults)) }
    }
}

/// Reads a part of the path.
///
/// # Errors
/// 400 naming the parameter.
pub fn path<T: FromStr<Err: Display>>(name: &'static str, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|fault: T::Err| ApiError::invalid(vec![Fault::parameter(name, format!("{text:?}: {fault}"))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_fault() {
        let mut query = Query::parse("limit=0&n=x&n=2&extra=1&one=1&one=2").unwrap();
        assert_eq!(query.limit(50, 100), 50);
        assert_eq!(query.all::<u8>("n"), [2]);
        assert_eq!(query.optional::<u8>("one"), Some(2));
        let problem = query.finish().unwrap_err().problem();
        let names: Vec<_> = problem.errors.iter().filter_map(|fault| fault.parameter.as_deref()).collect();
        assert_eq!(names, ["limit", "n", "one", "extra"]);
    }
}
