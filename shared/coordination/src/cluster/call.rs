//! The span of an operation on the coordinators, by OpenTelemetry's conventions for RPC.

use telemetry::{
    context::TraceContext,
    names::{rpc, shop},
    spans::{self, Span},
};

use super::{CallError, Fault};

/// How the operations of a [`Cluster`](super::Cluster) are told.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Telling {
    /// The span above theirs; without one each begins a trace.
    pub(super) below: Option<TraceContext>,
    /// Whether only those that fail, or are slow, are told.
    pub(super) quiet: bool,
}

/// An operation, with all its attempts.
pub(super) struct Call(Span);

impl Call {
    /// `method` is what gRPC calls it: `etcdserverpb.KV/Put`.
    pub(super) fn begin(method: &'static str, telling: Telling) -> Self {
        let mut span = spans::client(method).parent(telling.below).quiet(telling.quiet).start();
        if let Some((service, name)) = method.split_once('/') {
            span.set(rpc::SYSTEM, rpc::GRPC);
            span.set(rpc::SERVICE, service);
            span.set(rpc::METHOD, name);
        }
        Self(span)
    }

    /// It has ended, after so many attempts, the last one on this endpoint.
    pub(super) fn end<T>(mut self, endpoint: Option<&str>, attempts: u32, outcome: &Result<T, CallError>) {
        if !self.0.is_recording() {
            return;
        }
        if let Some((address, port)) = endpoint.and_then(address) {
            self.0.set(rpc::SERVER_ADDRESS, address);
            self.0.set(rpc::SERVER_PORT, i64::from(port));
        }
        if attempts > 1 {
            self.0.set(shop::RETRIES, i64::from(attempts - 1));
        }
        let answered = match outcome {
            Ok(_) => None,
            Err(CallError::Unavailable { source: Fault::TimedOut(_), .. }) => {
                self.0.fail("timeout", &"no answer in time");
                return;
            }
            Err(CallError::Unavailable { source: Fault::Client(error), .. } | CallError::Refused(error)) => Some(error),
        };
        match answered {
            None => self.0.set(rpc::GRPC_STATUS_CODE, 0),
            Some(error @ etcd_client::Error::GRpcStatus(status)) => {
                let code = status.code() as i32;
                self.0.set(rpc::GRPC_STATUS_CODE, i64::from(code));
                self.0.fail(&code.to_string(), error);
            }
            Some(error) => self.0.fail("client", error),
        }
    }
}

fn address(endpoint: &str) -> Option<(&str, u16)> {
    let (address, port) = endpoint.strip_prefix("http://")?.rsplit_once(':')?;
    Some((address.trim_matches(['[', ']']), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_told_as_address_and_port() {
        assert_eq!(address("http://coordinator-1:2379"), Some(("coordinator-1", 2379)));
        assert_eq!(address("http://[::1]:2379"), Some(("::1", 2379)));
    }
}
