//! Whatever comes to the ports, a member goes on.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::member::{PATIENCE, Place, READY};

/// Sends bytes and waits until the other side closes.
fn send(port: u16, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    // The other side may close before it has taken all of it, or answered.
    stream.write_all(bytes).and_then(|()| stream.read_to_end(&mut answer)).ok();
    answer
}

#[tokio::test]
async fn garbage_is_refused_and_disturbs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder, "one");
    let mut member = place.start(&[&place], &[]);
    member.wait_for(READY);
    let noise: Vec<u8> = (0..100_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for port in [place.client_port, place.peer_port] {
        send(port, &noise);
    }
    member.wait_until("a warning", |event| event["reason"] == "what came is not the peers' protocol");
    place.put("key", "value").await;
    assert_eq!(place.get("key").await.unwrap(), "value");
}

#[tokio::test]
async fn a_member_of_another_cluster_is_turned_away() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (Place::new(&folder, "one"), Place::new(&folder, "two"));
    let mut first = one.start(&[&one], &["--initial-cluster-token=this"]);
    first.wait_for(READY);
    let mut second = two.start(&[&one, &two], &["--initial-cluster-token=that"]);
    let told =
        |event: &serde_json::Value| event["reason"].as_str().is_some_and(|reason| reason.contains("another cluster"));
    second.wait_until("it is told why", told);
    first.wait_until("and so is the first", told);
    one.put("key", "value").await;
}
