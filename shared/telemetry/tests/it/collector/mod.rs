//! A collector that keeps what it gets, and can be made slow, failing, or absent.

mod serving;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::LogsService,
        },
        metrics::v1::{
            ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::MetricsService,
        },
        trace::v1::{
            ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::TraceService,
        },
    },
    logs::v1::LogRecord,
    metrics::v1::{Metric, metric::Data},
    trace::v1::{ResourceSpans, Span},
};
use tokio::sync::watch;
use tonic::{Code, Status};

pub(crate) use self::serving::Secured;

#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<State>);

#[derive(Debug, Default)]
struct State {
    traces: Mutex<Vec<ExportTraceServiceRequest>>,
    metrics: Mutex<Vec<ExportMetricsServiceRequest>>,
    logs: Mutex<Vec<ExportLogsServiceRequest>>,
    compressed: Mutex<usize>,
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
    /// Takes a request, and rejects so many of its items.
    Rejects(i64),
}

impl Collector {
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

    /// How many requests came compressed.
    pub(crate) fn compressed(&self) -> usize {
        *self.0.compressed.lock().unwrap()
    }

    pub(crate) fn resource_spans(&self) -> Vec<ResourceSpans> {
        self.0.traces.lock().unwrap().iter().flat_map(|request| request.resource_spans.clone()).collect()
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        let scopes = self.resource_spans().into_iter().flat_map(|of_resource| of_resource.scope_spans);
        scopes.flat_map(|of_scope| of_scope.spans).collect()
    }

    pub(crate) fn records(&self) -> Vec<LogRecord> {
        let requests = self.0.logs.lock().unwrap().clone();
        let scopes = requests.into_iter().flat_map(|request| request.resource_logs).flat_map(|all| all.scope_logs);
        scopes.flat_map(|of_scope| of_scope.log_records).collect()
    }

    /// The newest data of a metric, with its scope.
    pub(crate) fn metric(&self, name: &str) -> Option<(String, Metric, Data)> {
        let requests = self.0.metrics.lock().unwrap().clone();
        let resources = requests.into_iter().flat_map(|request| request.resource_metrics);
        let scopes = resources.flat_map(|of_resource| of_resource.scope_metrics);
        let mut metrics = scopes.flat_map(|of_scope| {
            let scope = of_scope.scope.unwrap().name;
            of_scope.metrics.into_iter().map(move |metric| (scope.clone(), metric))
        });
        let found = metrics.by_ref().filter(|(_, metric)| metric.name == name).last();
        found.map(|(scope, metric)| (scope, metric.clone(), metric.data.unwrap()))
    }

    /// Answers how many items are rejected.
    async fn take<R>(&self, request: R, into: fn(&State) -> &Mutex<Vec<R>>) -> Result<i64, Status> {
        self.0.asked.send_modify(|asked| *asked += 1);
        self.0.held.subscribe().wait_for(|held| !held).await.unwrap();
        let rejected = match *self.0.behaviour.lock().unwrap() {
            Behaviour::Takes => 0,
            Behaviour::Refuses(code) => return Err(Status::new(code, "made to refuse")),
            Behaviour::Rejects(items) => items,
        };
        into(&self.0).lock().unwrap().push(request);
        Ok(rejected)
    }

    async fn traces(&self, request: ExportTraceServiceRequest) -> Result<ExportTraceServiceResponse, Status> {
        let rejected_spans = self.take(request, |state| &state.traces).await?;
        let partial = ExportTracePartialSuccess { rejected_spans, error_message: String::new() };
        Ok(ExportTraceServiceResponse { partial_success: (rejected_spans > 0).then_some(partial) })
    }

    async fn metrics(&self, request: ExportMetricsServiceRequest) -> Result<ExportMetricsServiceResponse, Status> {
        let rejected_data_points = self.take(request, |state| &state.metrics).await?;
        let partial = ExportMetricsPartialSuccess { rejected_data_points, error_message: String::new() };
        Ok(ExportMetricsServiceResponse { partial_success: (rejected_data_points > 0).then_some(partial) })
    }

    async fn logs(&self, request: ExportLogsServiceRequest) -> Result<ExportLogsServiceResponse, Status> {
        let rejected_log_records = self.take(request, |state| &state.logs).await?;
        let partial = ExportLogsPartialSuccess { rejected_log_records, error_message: String::new() };
        Ok(ExportLogsServiceResponse { partial_success: (rejected_log_records > 0).then_some(partial) })
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        self.traces(request.into_inner()).await.map(tonic::Response::new)
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, Status> {
        self.metrics(request.into_inner()).await.map(tonic::Response::new)
    }
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        self.logs(request.into_inner()).await.map(tonic::Response::new)
    }
}
