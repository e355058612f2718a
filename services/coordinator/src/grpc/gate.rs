//! What is asked of a request before its service sees it, and the answers to requests that are too large.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context as TaskContext, Poll},
};

use futures::{
    TryFutureExt as _,
    future::{Either, MapOk},
};
use tonic::{
    Code, Status,
    body::Body,
    codegen::{
        Service,
        http::{HeaderMap, Request, Response},
    },
};

use super::{context::Context, status};

const REQUIRES_LEADER: &str = "hasleader";
const CLIENT_VERSION: &str = "client-api-version";

/// What the transport says of a message above its limit.
const TOO_LARGE: &str = "Error, decoded message length too large: found ";

/// What a learner answers. A range is served if it is serializable, which its service looks at.
const FOR_LEARNERS: [&str; 3] =
    ["/etcdserverpb.KV/Range", "/etcdserverpb.Maintenance/Status", "/etcdserverpb.Maintenance/Snapshot"];

/// Stands before the services.
#[derive(Clone, Debug)]
pub(super) struct Gate<S> {
    inner: S,
    context: Context,
}

impl<S> Gate<S> {
    pub(super) fn new(inner: S, context: Context) -> Self {
        Self { inner, context }
    }

    fn check<B>(&self, request: &Request<B>) -> Result<(), Status> {
        if self.context.is_learner() && !FOR_LEARNERS.contains(&request.uri().path()) {
            return Err(status::not_for_learners());
        }
        let version = request.headers().get(CLIENT_VERSION);
        if version.is_some_and(|version| std::str::from_utf8(version.as_bytes()).is_err()) {
            return Err(status::invalid_client_version());
        }
        if requires_leader(request.headers()) && self.context.engine().status().leader == 0 {
            return Err(status::no_leader());
        }
        Ok(())
    }
}

/// Whether the client would rather fail than be served by a member that knows no leader.
pub(super) fn requires_leader(headers: &HeaderMap) -> bool {
    headers.get(REQUIRES_LEADER).is_some_and(|value| value == "true")
}

/// The answer of a service behind a gate, or the gate's own.
pub(super) type Answer<F> = Either<Ready<Result<Response<Body>, Infallible>>, MapOk<F, Translate>>;
type Translate = fn(Response<Body>) -> Response<Body>;

impl<S, B> Service<Request<B>> for Gate<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<S::Future>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        match self.check(&request) {
            Ok(()) => Either::Right(self.inner.call(request).map_ok(translate as Translate)),
            Err(refusal) => Either::Left(ready(Ok(refusal.into_http()))),
        }
    }
}

/// etcd's transport words the refusal of a message above its limit otherwise, with another code.
fn translate(response: Response<Body>) -> Response<Body> {
    // Only an answer that is nothing but an error has its status among the headers.
    if !response.headers().contains_key(Status::GRPC_STATUS) {
        return response;
    }
    let told = Status::from_header_map(response.headers()).filter(|told| told.code() == Code::OutOfRange);
    let sizes = told.as_ref().and_then(|told| told.message().strip_prefix(TOO_LARGE)).and_then(sizes);
    match sizes {
        Some((found, limit)) => {
            Status::resource_exhausted(format!("grpc: received message larger than max ({found} vs. {limit})"))
                .into_http()
        }
        None => response,
    }
}

fn sizes(text: &str) -> Option<(u64, u64)> {
    let (found, limit) = text.split_once(" bytes, the limit is: ")?;
    Some((found.parse().ok()?, limit.strip_suffix(" bytes")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(response: &Response<Body>) -> (Code, String) {
        let status = Status::from_header_map(response.headers()).unwrap();
        (status.code(), status.message().to_owned())
    }

    #[test]
    fn words_the_size_of_a_message_as_clients_know_it() {
        let told =
            Status::out_of_range("Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes");
        let expected = (Code::ResourceExhausted, "grpc: received message larger than max (9 vs. 4)".to_owned());
        assert_eq!(message(&translate(told.into_http())), expected);
    }

    #[test]
    fn leaves_other_errors_alone() {
        let compacted = Status::out_of_range("etcdserver: mvcc: required revision has been compacted");
        let expected = (compacted.code(), compacted.message().to_owned());
        assert_eq!(message(&translate(compacted.into_http())), expected);
    }
}
