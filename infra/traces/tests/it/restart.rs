//! What is in the file is there again.

use std::fs;

use prost::Message as _;

use crate::{
    program::Program,
    spans::{request, span},
};

async fn send(program: &Program, trace: u128) {
    let body = request("shop", vec![span(trace, 1, 0, "GET /"), span(trace, 2, 1, "SELECT")]).encode_to_vec();
    assert_eq!(program.post_protobuf(body).await.status(), 200);
}

#[tokio::test]
async fn acknowledged_spans_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spans");
    let file = format!("--file={}", path.display());
    let mut program = Program::start(&[&file]);
    for trace in 1..=20 {
        send(&program, trace).await;
    }
    program.kill();
    // As if the machine had written half of one more.
    let mut bytes = fs::read(&path).unwrap();
    let whole = bytes.len() as u64;
    bytes.extend_from_slice(&[200, 0, 0, 0, 1, 2, 3]);
    fs::write(&path, &bytes).unwrap();

    let mut program = Program::start(&[&file]);
    assert_eq!(program.metric("spans").await, 40.0);
    assert_eq!(program.metric("file_bytes").await, whole as f64);
    assert_eq!(program.ask("/api/traces/14").await.1["data"][0]["spans"].as_array().unwrap().len(), 2);
    send(&program, 21).await;
    assert!(program.terminate(), "it ends well when it is told to");

    let program = Program::start(&[&file]);
    assert_eq!(program.metric("spans").await, 42.0);
}

#[tokio::test]
async fn what_cannot_be_used_is_said() {
    let mut program = Program::start(&[]);
    let taken = format!("--otlp-grpc={}", program.otlp_grpc);
    for (flags, said) in [
        (&[taken.as_str()][..], "otlp-grpc"),
        (
            &["--otlp-grpc=127.0.0.1:0", "--otlp-http=127.0.0.1:0", "--query=127.0.0.1:0", "--file=/nowhere/spans"],
            "/nowhere/spans",
        ),
        (&["--memory=much", "--max-depth=0"], "--max-depth is \"0\""),
        (&["--nothing"], "no flag --nothing"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_plumbline-traces")).args(flags).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(said), "{flags:?}: {text}");
    }
    assert!(program.terminate());
}
