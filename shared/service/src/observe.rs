//! Around every request: its span, its metrics, its trace context, and no panic that reaches the connection.

use std::{
    cell::RefCell,
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use actix_web::{
    Error, HttpMessage as _, ResponseError as _,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
};
use futures::FutureExt as _;
use opentelemetry::KeyValue;
use telemetry::{
    context::{self, TraceContext},
    metrics::Series,
    names,
    spans::{self, Span},
};

use crate::{
    context::Trace,
    metric_definitions::METRICS,
    problem::{ApiError, Kind},
};

/// A request of a path that is none of ours: one name for all, so that a scanner can't blow up the metrics.
const NO_ROUTE: &str = "unmatched";

pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let active = Active::begin();
    let mut span = begin_span(&request);
    request.extensions_mut().insert(Trace(span.context()));
    // What is logged on the way names the request's trace.
    let answering = context::scoped(span.context(), next.call(request));
    let answered = AssertUnwindSafe(answering).catch_unwind().await;
    drop(active);
    match answered {
        Ok(Ok(response)) => {
            let mut response = as_problem(response.map_into_boxed_body());
            tell_trace(&mut response, &span);
            finish(&response, began, &mut span);
            Ok(response)
        }
        Ok(Err(error)) => {
            failed(&error, began, &mut span);
            Err(error)
        }
        Err(_) => {
            // The panic hook has told what and where.
            let error = ApiError::new(Kind::Internal, "the request failed for a reason that is not yours").into();
            failed(&error, began, &mut span);
            Err(error)
        }
    }
}

/// Tells the caller which trace this is, where it is recorded, as `traceresponse` has it in the draft of Trace Context's
/// third level: <https://w3c.github.io/trace-context/#traceresponse-header>.
fn tell_trace(response: &mut ServiceResponse<BoxBody>, span: &Span) {
    let Some(context) = span.context().filter(|context| context.is_sampled()) else { return };
    if let Ok(value) = HeaderValue::from_str(context.to_header().as_str()) {
        response.headers_mut().insert(HeaderName::from_static("traceresponse"), value);
    }
}

/// A request that ended in an error has no route any more: actix takes the request along.
fn failed(error: &Error, began: Instant, span: &mut Span) {
    let status = error.as_response_error().status_code();
    span.set(names::http::RESPONSE_STATUS_CODE, i64::from(status.as_u16()));
    span.fail("panic", error);
    record(&Method::default(), NO_ROUTE.to_owned(), status, began, span);
}

fn begin_span(request: &ServiceRequest) -> Span {
    let parent =
        request.headers().get("traceparent").and_then(|value| TraceContext::from_header(value.as_bytes()).ok());
    // The route is known only when it was found, below.
    let mut span = spans::server("HTTP").parent(parent).start();
    if span.is_recording() {
        span.set(names::http::REQUEST_METHOD, known(request.method()));
        span.set(names::http::URL_PATH, request.path());
        span.set(names::http::URL_SCHEME, "http");
    }
    span
}

/// The framework's own refusals have no body: give them one.
fn as_problem(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let empty = matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0));
    let error = match response.status() {
        StatusCode::NOT_FOUND if empty => ApiError::not_found(format!("there is no {}", response.request().path())),
        StatusCode::BAD_REQUEST if empty => ApiError::new(Kind::InvalidRequest, "the request can't be read"),
        _ => return response,
    };
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, error.error_response())
}

fn finish(response: &ServiceResponse<BoxBody>, began: Instant, span: &mut Span) {
    let status = response.status();
    let route = response.request().match_pattern().unwrap_or_else(|| NO_ROUTE.to_owned());
    if span.is_recording() {
        span.rename(format!("{} {route}", known(response.request().method())));
        span.set(names::http::ROUTE, &route);
        span.set(names::http::RESPONSE_STATUS_CODE, i64::from(status.as_u16()));
        if status.is_server_error() {
            span.fail("server_error", &status);
        }
    }
    record(response.request().method(), route, status, began, span);
}

/// Records into a series that is found once a thread for each method, route and status.
fn record(method: &Method, route: String, status: StatusCode, began: Instant, span: &Span) {
    type Sets = HashMap<(Method, String, u16), Series>;
    thread_local!(static SETS: RefCell<Sets> = RefCell::default());
    SETS.with_borrow_mut(|sets| {
        let key = (method.clone(), route, status.as_u16());
        if !sets.contains_key(&key) {
            let set = [
                KeyValue::new(names::http::REQUEST_METHOD, known(method)),
                KeyValue::new(names::http::ROUTE, key.1.clone()),
                KeyValue::new(names::http::RESPONSE_STATUS_CODE, i64::from(status.as_u16())),
                KeyValue::new(names::http::URL_SCHEME, "http"),
            ];
            if sets.len() > 1_000 {
                sets.clear();
            }
            sets.insert(key.clone(), METRICS.duration.series(&set));
        }
        sets[&key].record(began.elapsed(), span.context());
    });
}

/// Semantic conventions: a method that isn't known is `_OTHER`, whatever a caller invents.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

/// Requests in hand, as the metric has them, for this process to read.
static IN_HAND: AtomicU32 = AtomicU32::new(0);

/// How many requests this process has in hand.
pub(crate) fn requests_in_hand() -> u32 {
    IN_HAND.load(Ordering::Relaxed)
}

/// Counts a request as long as it lives, also when its connection is dropped.
struct Active;

impl Active {
    fn begin() -> Self {
        METRICS.active.add(1, &[]);
        IN_HAND.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        METRICS.active.add(-1, &[]);
        IN_HAND.fetch_sub(1, Ordering::Relaxed);
    }
}
