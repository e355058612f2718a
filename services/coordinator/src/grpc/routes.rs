//! Which service a request is for.

use std::{
    convert::Infallible,
    future::ready,
    task::{Context as TaskContext, Poll},
};

use futures::future::{BoxFuture, FutureExt as _};
use tonic::{
    Status,
    body::Body,
    codegen::{
        Body as HttpBody, Service, StdError,
        http::{Request, Response},
    },
};

use super::{
    auth::AuthService,
    cluster::ClusterService,
    context::Context,
    election::ElectionService,
    gate::{Answer, Gate},
    health::HealthService,
    kv::KvService,
    lease::LeaseService,
    lock::LockService,
    maintenance::MaintenanceService,
    recipes::Recipes,
    watch::WatchServer,
};
use crate::proto::{
    etcdserverpb::{
        auth_server::AuthServer, cluster_server::ClusterServer, kv_server::KvServer, lease_server::LeaseServer,
        maintenance_server::MaintenanceServer,
    },
    health::health_server::HealthServer,
    v3electionpb::election_server::ElectionServer,
    v3lockpb::lock_server::LockServer,
};

type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

/// The whole API as one service for HTTP/2 requests. Clones share everything; make one for each connection.
#[derive(Clone, Debug)]
pub struct Routes(Gate<Services>);

#[derive(Clone, Debug)]
struct Services {
    kv: KvServer<KvService>,
    watch: WatchServer,
    lease: LeaseServer<LeaseService>,
    cluster: ClusterServer<ClusterService>,
    maintenance: MaintenanceServer<MaintenanceService>,
    auth: AuthServer<AuthService>,
    lock: LockServer<LockService>,
    election: ElectionServer<ElectionService>,
    health: HealthServer<HealthService>,
}

impl Routes {
    pub(super) fn new(context: Context, max_bytes: usize) -> Self {
        let kv = KvService(context.clone());
        let lease = LeaseService(context.clone());
        let recipes = Recipes { context: context.clone(), kv: kv.clone(), lease: lease.clone() };
        let services = Services {
            kv: KvServer::new(kv).max_decoding_message_size(max_bytes),
            watch: WatchServer::new(context.clone(), max_bytes),
            lease: LeaseServer::new(lease).max_decoding_message_size(max_bytes),
            cluster: ClusterServer::new(ClusterService(context.clone())).max_decoding_message_size(max_bytes),
            maintenance: MaintenanceServer::new(MaintenanceService(context.clone()))
                .max_decoding_message_size(max_bytes),
            auth: AuthServer::new(AuthService(context.clone())).max_decoding_message_size(max_bytes),
            health: HealthServer::new(HealthService(context.clone())).max_decoding_message_size(max_bytes),
            lock: LockServer::new(LockService(recipes.clone())).max_decoding_message_size(max_bytes),
            election: ElectionServer::new(ElectionService(recipes)).max_decoding_message_size(max_bytes),
        };
        Self(Gate::new(services, context))
    }
}

impl<B> Service<Request<B>> for Routes
where
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<Future>;

    fn poll_ready(&mut self, context: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<B>>::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.0.call(request)
    }
}

impl<B> Service<Request<B>> for Services
where
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Future;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        // Each of them is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        match path.strip_prefix('/').and_then(|path| path.split_once('/')).map(|(service, _)| service) {
            Some("etcdserverpb.KV") => self.kv.call(request),
            Some("etcdserverpb.Watch") => self.watch.call(request),
            Some("etcdserverpb.Lease") => self.lease.call(request),
            Some("etcdserverpb.Cluster") => self.cluster.call(request),
            Some("etcdserverpb.Maintenance") => self.maintenance.call(request),
            Some("etcdserverpb.Auth") => self.auth.call(request),
            Some("v3lockpb.Lock") => self.lock.call(request),
            Some("v3electionpb.Election") => self.election.call(request),
            Some("grpc.health.v1.Health") => self.health.call(request),
            _ => ready(Ok(unknown(path).into_http())).boxed(),
        }
    }
}

fn unknown(path: &str) -> Status {
    Status::unimplemented(format!("unknown service or method {path}"))
}
