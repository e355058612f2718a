//! What a member answers on its clients' address: gRPC, and a few paths for people, probes and Prometheus.

mod checks;
mod endpoints;
mod exposition;
mod server;
mod turns;

pub use self::{
    endpoints::Endpoints,
    server::{Listener, PROTOCOLS, bind},
};
