//! Generates the messages of etcd's API and of the log. Keys and values stay slices of the buffer they came in.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=proto");
    prost_build::Config::new().bytes(["."]).compile_protos(&["proto/rpc.proto", "proto/log.proto"], &["proto"])
}
