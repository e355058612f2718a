//! The collector's servers: gRPC and HTTP, plain and by TLS.

use std::{convert::Infallible, io::Read as _, net::SocketAddr, path::PathBuf, process::Command, sync::Arc};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::{
    logs::v1::logs_service_server::LogsServiceServer, metrics::v1::metrics_service_server::MetricsServiceServer,
    trace::v1::trace_service_server::TraceServiceServer,
};
use prost::Message;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::WebPkiClientVerifier,
    },
};
use tonic::{Code, Status, codec::CompressionEncoding::Gzip, codegen::Service as _};

use super::Collector;

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

/// A certificate that is its own authority and its clients', made by openssl.
pub(crate) struct Secured {
    _folder: tempfile::TempDir,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Secured {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [config, certificate, key] = ["openssl.cnf", "own.pem", "key.pem"].map(|name| folder.path().join(name));
        std::fs::write(&config, "[req]\ndistinguished_name = name\n[name]\n").unwrap();
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
        command.args(["-subj", "/CN=collector", "-addext", "subjectAltName=IP:127.0.0.1", "-config"]).arg(config);
        // A certificate that is trusted and shown at once must not be an authority's.
        command.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        command.arg("-out").arg(&certificate).arg("-keyout").arg(&key);
        let made = command.output().expect("openssl makes the certificate: Debian has it in the package of that name");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Self { _folder: folder, certificate, key }
    }

    /// Lets in who shows the same certificate.
    fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(ring::default_provider());
        let certificate = CertificateDer::from_pem_file(&self.certificate).unwrap();
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        let mut trusted = RootCertStore::empty();
        trusted.add(certificate.clone()).unwrap();
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(&provider));
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_client_cert_verifier(clients.build().unwrap());
        let mut config = config.with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

impl Collector {
    /// Serves gRPC on a port; the same one, where it is given.
    pub(crate) async fn grpc(&self, address: Option<SocketAddr>) -> Serving {
        let collector = self.clone();
        serve(address, None, move |stream| by_grpc(collector.clone(), stream)).await
    }

    /// Serves HTTP.
    pub(crate) async fn http(&self) -> Serving {
        let collector = self.clone();
        serve(None, None, move |stream| by_http(collector.clone(), stream)).await
    }

    /// Serves gRPC by TLS.
    pub(crate) async fn grpcs(&self, secured: &Secured) -> Serving {
        let collector = self.clone();
        serve(None, Some(secured.acceptor()), move |stream| by_grpc(collector.clone(), stream)).await
    }

    /// Serves HTTP by TLS.
    pub(crate) async fn https(&self, secured: &Secured) -> Serving {
        let collector = self.clone();
        serve(None, Some(secured.acceptor()), move |stream| by_http(collector.clone(), stream)).await
    }

    async fn post(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (path, kind, encoding) =
            (request.uri().path().to_owned(), header("content-type"), header("content-encoding"));
        if request.method() != Method::POST || kind.as_deref() != Some("application/x-protobuf") {
            return answer(Err::<(), _>(Status::invalid_argument("neither method nor type")));
        }
        let body = request.into_body().collect().await.unwrap().to_bytes().to_vec();
        let body = if encoding.as_deref() == Some("gzip") { self.unpacked(&body) } else { body };
        match path.as_str() {
            "/v1/traces" => answer(self.traces(Message::decode(&*body).unwrap()).await),
            "/v1/metrics" => answer(self.metrics(Message::decode(&*body).unwrap()).await),
            "/v1/logs" => answer(self.logs(Message::decode(&*body).unwrap()).await),
            _ => answer(Err::<(), _>(Status::not_found(path))),
        }
    }

    fn unpacked(&self, body: &[u8]) -> Vec<u8> {
        *self.0.compressed.lock().unwrap() += 1;
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(body).read_to_end(&mut unpacked).unwrap();
        unpacked
    }

    async fn call(self, request: Request<Incoming>) -> Result<Response<tonic::body::Body>, Infallible> {
        if request.headers().get("grpc-encoding").is_some_and(|encoding| encoding == "gzip") {
            *self.0.compressed.lock().unwrap() += 1;
        }
        const MOST: usize = 64 << 20;
        match request.uri().path().split('.').nth(3) {
            Some("trace") => {
                let server = TraceServiceServer::new(self).accept_compressed(Gzip);
                server.max_decoding_message_size(MOST).call(request).await
            }
            Some("metrics") => MetricsServiceServer::new(self).accept_compressed(Gzip).call(request).await,
            _ => LogsServiceServer::new(self).accept_compressed(Gzip).call(request).await,
        }
    }
}

async fn by_grpc(collector: Collector, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = service_fn(move |request| collector.clone().call(request));
    // How a connection ends is no matter of the collector's.
    let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn by_http(collector: Collector, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = service_fn(move |request| {
        let collector = collector.clone();
        async move { Ok::<_, Infallible>(collector.post(request).await) }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

type Stream = Box<dyn Duplex>;
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Duplex for S {}

async fn serve<F>(
    address: Option<SocketAddr>,
    acceptor: Option<TlsAcceptor>,
    speak: impl Fn(Stream) -> F + Clone + Send + Sync + 'static,
) -> Serving
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind(address.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        // Dropped with this task, so that an end of the collector ends its connections.
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, speak) = (acceptor.clone(), speak.clone());
            connections.spawn(async move {
                match acceptor {
                    None => speak(Box::new(stream)).await,
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            speak(Box::new(stream)).await;
                        }
                    }
                }
            });
        }
    });
    Serving { address, task }
}

fn answer<M: Answers>(taken: Result<M, Status>) -> Response<Full<Bytes>> {
    let answer = |status, body: Vec<u8>| Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap();
    match taken {
        Ok(taken) => answer(StatusCode::OK, taken.octets()),
        Err(status) if status.code() == Code::Unavailable => answer(StatusCode::SERVICE_UNAVAILABLE, Vec::new()),
        Err(_) => answer(StatusCode::BAD_REQUEST, Vec::new()),
    }
}

trait Answers {
    fn octets(&self) -> Vec<u8>;
}

impl<M: Message> Answers for M {
    fn octets(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}
