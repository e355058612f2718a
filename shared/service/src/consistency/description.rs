//! Both headers, and what answers say of themselves, in the description of an API.

use contracts::consistency::{AGE_MS, LEVEL, Level, SERVED_BY, SESSION, VERSION};
use utoipa::{
    IntoParams, Modify,
    openapi::{self, RefOr, header::HeaderBuilder, path::Operation, response::Response, schema::ObjectBuilder},
};

/// Headers of a request that reads.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Reading {
    /// How new the answer has to be: `strong`, as new as the last write that was acknowledged; `session`, with all that the
    /// session has written; `monotonic`, besides with all that it was shown; `eventual`, not too old
    #[param(rename = "Plumbline-Consistency", inline)]
    pub level: Option<Level>,
    /// What the session has written and was shown: what the last answer to it has in the same header
    #[param(rename = "Plumbline-Session")]
    pub session: Option<String>,
}

/// Header of a request that writes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Writing {
    /// What the session has written and was shown: what the last answer to it has in the same header
    #[param(rename = "Plumbline-Session")]
    pub session: Option<String>,
}

/// Adds to an API's description what answers say of themselves, where requests have such headers.
#[derive(Debug)]
pub struct Headers;

const OF_EACH: (&str, &str) = (SESSION, "What the session has written and was shown by now, to be sent back");
const OF_READS: [(&str, &str); 4] = [
    (SERVED_BY, "Where the answer comes from: `cache`, `replica` or `primary`"),
    ("Age", "It shows nothing older than so many seconds"),
    (AGE_MS, "The same in milliseconds"),
    (
        VERSION,
        "Of one thing its version, else the position of the newest write that is shown: greater with every change",
    ),
];

impl Modify for Headers {
    fn modify(&self, openapi: &mut openapi::OpenApi) {
        for path in openapi.paths.paths.values_mut() {
            let operations = [&mut path.get, &mut path.put, &mut path.post, &mut path.delete];
            operations.into_iter().flatten().for_each(describe);
        }
    }
}

fn describe(operation: &mut Operation) {
    let has = |operation: &Operation, name: &str| {
        let parameters = operation.parameters.iter().flatten();
        parameters.into_iter().any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == name))
    };
    let of_reads = OF_READS.into_iter().filter(|_| has(operation, LEVEL));
    let headers: Vec<_> = of_reads.chain([OF_EACH].into_iter().filter(|_| has(operation, SESSION))).collect();
    for (status, response) in &mut operation.responses.responses {
        // Of what is read and not there, too.
        let told = status.starts_with('2') || (status == "404" && headers.len() > 1);
        if let RefOr::T(response) = response
            && told
        {
            headers.iter().for_each(|(name, text)| add(response, name, text));
        }
    }
}

fn add(response: &mut Response, name: &str, text: &str) {
    let text_of = ObjectBuilder::new().schema_type(openapi::schema::Type::String).build();
    let header = HeaderBuilder::new().schema(Some(openapi::Schema::Object(text_of))).description(Some(text)).build();
    response.headers.insert(name.to_owned(), RefOr::T(header));
}
