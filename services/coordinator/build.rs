//! Generates etcd's services and gRPC's own of health. Their messages are the `consensus` crate's, which the log holds as they are.

fn main() -> std::io::Result<()> {
    let etcd = "../../shared/consensus/proto";
    println!("cargo:rerun-if-changed=proto");
    println!("cargo:rerun-if-changed={etcd}");
    tonic_prost_build::configure()
        .bytes(".")
        .extern_path(".etcdserverpb", "::consensus::api::etcdserverpb")
        .extern_path(".mvccpb", "::consensus::api::mvccpb")
        .extern_path(".authpb", "::consensus::api::authpb")
        .compile_protos(
            &["proto/services.proto", "proto/election.proto", "proto/lock.proto", "proto/health.proto"],
            &["proto", etcd],
        )
}
