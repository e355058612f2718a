//! The messages of etcd's v3 API and of the log, generated from `proto/`.
#![allow(missing_docs, clippy::all, reason = "generated; the protocol is documented by etcd")]

pub mod authpb {
    include!(concat!(env!("OUT_DIR"), "/authpb.rs"));
}

pub mod mvccpb {
    include!(concat!(env!("OUT_DIR"), "/mvccpb.rs"));
}

pub mod etcdserverpb {
    include!(concat!(env!("OUT_DIR"), "/etcdserverpb.rs"));
}

pub mod logpb {
    include!(concat!(env!("OUT_DIR"), "/logpb.rs"));
}
