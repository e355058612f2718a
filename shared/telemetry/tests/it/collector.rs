//! A collector that keeps what it gets, and can be made slow, failing, or absent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::{ResourceSpans, Span},
};
use prost::Message as _;
use tokio::{net::TcpListener, sync::watch};
use tonic::{Code, Status};

#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<State>);

#[derive(Debug, Default)]
struct State {
    requests: Mutex<Vec<ExportTraceServiceRequest>>,
    behaviour: Mutex<Behaviour>,
    held: watch::Sender<bool>,
    asked: watch::Sender<usize>,
}

/// What it does with the next requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Behaviour {
    #[default]
    Takes,
    /// Refuses with this code, over HTTP with what goes with it.
    Refuses(Code),
    /// Takes a request, and rejects so many of its spans.
    Rejects(i64),
}

impl Collector {
    /// Serves gRPC on a port; the same one, where it is given.
    pub(crate) async fn grpc(&self, address: Option<SocketAddr>) -> Serving {
        let (listener, address) = listen(address).await;
        let collector = self.clone();
        let task = tokio::spawn(async move {
            let service = TraceServiceServer::new(collector).max_decoding_message_size(64 << 20);
            // Dropped with this task, so that an end of the collector ends its connections.
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = TowerToHyperService::new(service.clone());
                let server = http2::Builder::new(TokioExecutor::new());
                connections.spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        Serving { address, task }
    }

    /// Serves HTTP.
    pub(crate) async fn http(&self) -> Serving {
        let (listener, address) = listen(None).await;
        let collector = self.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let collector = collector.clone();
                let service = service_fn(move |request| {
                    let collector = collector.clone();
                    async move { Ok::<_, std::convert::Infallible>(collector.post(request).await) }
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Serving { address, task }
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.0.behaviour.lock().unwrap() = behaviour;
    }

    /// Answers nothing until it is released.
    pub(crate) fn hold(&self, held: bool) {
        self.0.held.send_replace(held);
    }

    /// Waits until so many requests have come, taken or not.
    pub(crate) async fn until_asked(&self, times: usize) {
        let mut asked = self.0.asked.subscribe();
        let asked = asked.wait_for(|asked| *asked >= times);
        tokio::time::timeout(Duration::from_secs(20), asked).await.expect("so many requests come").unwrap();
    }

    pub(crate) fn resource_spans(&self) -> Vec<ResourceSpans> {
        self.0.requests.lock().unwrap().iter().flat_map(|request| request.resource_spans.clone()).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let scopes = self.resource_spans().into_iter().flat_map(|of_resource| of_resource.scope_spans);
        scopes.flat_map(|of_scope| of_scope.spans).collect()
    }

    async fn take(&self, request: ExportTraceServiceRequest) -> Result<ExportTraceServiceResponse, Status> {
        self.0.asked.send_modify(|asked| *asked += 1);
        self.0.held.subscribe().wait_for(|held| !held).await.unwrap();
        let rejected_spans = match *self.0.behaviour.lock().unwrap() {
            Behaviour::Takes => 0,
            Behaviour::Refuses(code) => return Err(Status::new(code, "made to refuse")),
            Behaviour::Rejects(spans) => spans,
        };
        self.0.requests.lock().unwrap().push(request);
        let partial_success = ExportTracePartialSuccess { rejected_spans, error_message: String::new() };
        Ok(ExportTraceServiceResponse { partial_success: (rejected_spans > 0).then_some(partial_success) })
    }

    async fn post(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let answer =
            |status, body: Vec<u8>| Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap();
        let expected = (&Method::POST, "/v1/traces", "application/x-protobuf");
        let kind = request.headers().get("content-type").unwrap().to_str().unwrap();
        if (request.method(), request.uri().path(), kind) != expected {
            return answer(StatusCode::BAD_REQUEST, Vec::new());
        }
        let body = request.into_body().collect().await.unwrap().to_bytes();
        match self.take(ExportTraceServiceRequest::decode(body).unwrap()).await {
            Ok(taken) => answer(StatusCode::OK, taken.encode_to_vec()),
            Err(status) if status.code() == Code::Unavailable => answer(StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
            Err(_) => answer(StatusCode::BAD_REQUEST, Vec::new()),
        }
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        self.take(request.into_inner()).await.map(tonic::Response::new)
    }
}

/// A collector that serves, until it is dropped.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Serving {
    /// Ends it, with its connections, and returns when its port is free.
    pub(crate) async fn end(mut self) -> SocketAddr {
        self.task.abort();
        // It was cancelled: that is what was wanted.
        let _ = (&mut self.task).await;
        self.address
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(address: Option<SocketAddr>) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)))).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
