//! The gRPC side of the Watch service. It is written out, where others are generated, for its own codec.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context as TaskContext, Poll},
};

use consensus::api::etcdserverpb::WatchRequest;
use futures::future::{BoxFuture, FutureExt as _};
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    codegen::{Body as HttpBody, Service, StdError, http},
    server::{Grpc, StreamingService},
};

use super::{
    frame::{Frame, FrameCodec},
    stream::WatchStream,
};
use crate::grpc::context::Context;

/// The one method of the service.
const WATCH: &str = "/etcdserverpb.Watch/Watch";

/// The Watch service.
#[derive(Clone, Debug)]
pub(in crate::grpc) struct WatchServer {
    context: Context,
    max_bytes: usize,
}

impl WatchServer {
    /// Takes requests of at most `max_bytes`, and sends that much to watchers that allow their events to be split.
    pub(in crate::grpc) fn new(context: Context, max_bytes: usize) -> Self {
        Self { context, max_bytes }
    }
}

impl<B> Service<http::Request<B>> for WatchServer
where
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        if request.uri().path() != WATCH {
            return ready(Ok(Status::unimplemented("").into_http())).boxed();
        }
        let service = self.clone();
        async move {
            let max_bytes = service.max_bytes;
            let mut grpc = Grpc::new(FrameCodec).apply_max_message_size_config(Some(max_bytes), None);
            Ok(grpc.streaming(Method(service), request).await)
        }
        .boxed()
    }
}

/// The one method: opens a stream.
struct Method(WatchServer);

impl StreamingService<WatchRequest> for Method {
    type Response = Frame;
    type ResponseStream = WatchStream;
    type Future = Ready<Result<Response<WatchStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<WatchRequest>>) -> Self::Future {
        ready(Ok(Response::new(WatchStream::new(self.0.context.clone(), self.0.max_bytes, request))))
    }
}
