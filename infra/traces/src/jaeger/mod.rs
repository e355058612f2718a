//! Jaeger's query API, as its own page, Grafana and scripts use it: the JSON behind `/api`.
//!
//! Shapes and words are those of Jaeger 2.13 (`cmd/query/app` and `internal/uimodel` of its sources).

mod convert;
mod duration;
mod error;
mod ids;
mod model;
mod parameters;

use hyper::{Method, Response, StatusCode, http::request::Parts};
use serde::Serialize;

use self::{error::ApiError, model::Envelope};
use crate::{
    http::{Body, Query, answer, decode_path},
    store::Store,
};

/// The answer to a request below `/api`; it reads and encodes, which may take a while.
pub(crate) fn respond(store: &Store, request: &Parts) -> Response<Body> {
    let query = Query::read(request.uri.query().unwrap_or_default());
    let path = request.uri.path().strip_prefix("/api/").unwrap_or_default();
    let is_pretty = query.get("prettyPrint").is_some_and(|value| value != "false");
    let result = match request.method {
        Method::GET | Method::HEAD => route(store, path, &query, is_pretty),
        _ => Err(ApiError::Method),
    };
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err(error) => (error.status(), json(&Envelope::failed(&error), is_pretty)),
    };
    answer(status, "application/json", body)
}

fn route(store: &Store, path: &str, query: &Query, is_pretty: bool) -> Result<Vec<u8>, ApiError> {
    let parts: Vec<&str> = path.split('/').collect();
    Ok(match parts[..] {
        ["services"] => json(&Envelope::listed(store.services()), is_pretty),
        ["services", service, "operations"] => {
            let mut names: Vec<_> =
                store.operations(&decode_path(service)).into_iter().map(|operation| operation.name).collect();
            names.dedup();
            json(&Envelope::listed(names), is_pretty)
        }
        ["operations"] => json(&operations(store, query)?, is_pretty),
        ["traces"] => traces(store, query, is_pretty)?,
        ["traces", id] => {
            let spans = store.trace(&ids::read(&decode_path(id))?);
            if spans.is_empty() {
                return Err(ApiError::NoTrace);
            }
            json(&Envelope::of(vec![convert::trace(&spans)]), is_pretty)
        }
        ["dependencies"] => {
            let asked = parameters::dependencies(query)?;
            let mut dependencies = store.dependencies(asked.start, asked.end);
            if let Some(service) = query.get("service") {
                dependencies.retain(|dependency| dependency.parent == service || dependency.child == service);
            }
            json(&Envelope::of(dependencies), is_pretty)
        }
        ["metrics", ..] => return Err(ApiError::NoMetrics),
        _ => return Err(ApiError::NoPath),
    })
}

fn operations(store: &Store, query: &Query) -> Result<Envelope<Vec<model::Operation>>, ApiError> {
    let service = query.get("service").ok_or(ApiError::Required("service"))?;
    let kind = query.get("spanKind");
    let operations = store.operations(service).into_iter();
    let operations = operations.filter(|operation| kind.is_none_or(|kind| kind == operation.kind));
    let operations: Vec<_> =
        operations.map(|operation| model::Operation { name: operation.name, span_kind: operation.kind }).collect();
    let total = operations.len();
    let mut envelope = Envelope::of(operations);
    envelope.total = total;
    Ok(envelope)
}

fn traces(store: &Store, query: &Query, is_pretty: bool) -> Result<Vec<u8>, ApiError> {
    let ids = query.all("traceID").map(ids::read).collect::<Result<Vec<_>, _>>();
    let ids = ids.map_err(|error| ApiError::TraceIds(error.to_string()))?;
    let (found, missing) = if ids.is_empty() {
        (store.search(&parameters::search(query)?), Vec::new())
    } else {
        let (found, missing): (Vec<_>, Vec<_>) =
            ids.iter().zip(store.traces(&ids)).partition(|(_, spans)| !spans.is_empty());
        (
            found.into_iter().map(|(_, spans)| spans).collect(),
            missing.into_iter().map(|(id, _)| ids::write(id)).collect(),
        )
    };
    let envelope = Envelope::of(found.iter().map(|spans| convert::trace(spans)).collect::<Vec<_>>());
    Ok(json(&envelope.without(missing), is_pretty))
}

fn json(value: &impl Serialize, is_pretty: bool) -> Vec<u8> {
    let written = if is_pretty {
        let mut written = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut written, formatter)).map(|()| written)
    } else {
        serde_json::to_vec(value)
    };
    // Keys are texts and numbers are finite: these types can always be written.
    written.unwrap_or_default()
}
