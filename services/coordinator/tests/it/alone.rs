//! A cluster of one.

use std::time::Instant;

use crate::member::{Place, READY, http};

#[tokio::test]
async fn becomes_ready_and_says_how_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder, "one");
    let monitoring = Place::new(&folder, "monitoring");
    let began = Instant::now();
    let mut member = place.start(&[&place], &["--listen-metrics-urls", &monitoring.client_url()]);
    member.wait_for(READY);
    member.wait_for("serving client traffic insecurely");
    assert!(began.elapsed().as_secs() < 5, "nobody else's vote is needed");

    assert_eq!(place.http("/health"), ("HTTP/1.1 200 OK".to_owned(), r#"{"health":"true","reason":""}"#.to_owned()));
    assert_eq!(monitoring.http("/health").0, "HTTP/1.1 200 OK");
    let version = r#"{"etcdserver":"3.6.16","etcdcluster":"3.6.0","storage":"3.6.0"}"#;
    assert_eq!(place.http("/version").1, version);
    assert_eq!(http(place.peer_port, "/version").1, version);
    assert_eq!(place.http("/livez").1, "ok\n");
    assert!(place.http("/readyz?verbose").1.contains("[+]linearizable_read ok"));
    assert_eq!(place.http("/none").0, "HTTP/1.1 404 Not Found");

    place.put("key", "value").await;
    let metrics = place.http("/metrics").1;
    for line in
        ["etcd_server_has_leader 1", "etcd_server_is_leader 1", "etcd_cluster_version{cluster_version=\"3.6\"} 1"]
    {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
    for name in ["etcd_disk_wal_fsync_duration_seconds_bucket", "plumbline_raft_commit_duration_seconds_bucket"] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    assert!(metrics.contains("plumbline_raft_term ") && metrics.contains("plumbline_raft_applied_index "));
}

#[tokio::test]
async fn a_restart_keeps_what_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder, "one");
    let mut member = place.start(&[&place], &["--snapshot-count=10"]);
    member.wait_for(READY);
    for _ in 0..25 {
        place.put("key", "before").await;
    }
    member.wait_for("saved snapshot");
    place.put("key", "value").await;
    let before = place.status().await;
    member.kill();

    // Flags of the initial cluster mean nothing now.
    let other = Place::new(&folder, "two");
    let mut member = place.start(&[&place, &other], &["--initial-cluster-token=other"]);
    member.wait_for(READY);
    assert_eq!(place.get("key").await.unwrap(), "value");
    let after = place.status().await;
    let header = after.header.unwrap();
    let before_header = before.header.unwrap();
    assert_eq!(
        (header.cluster_id, header.member_id, header.revision),
        (before_header.cluster_id, before_header.member_id, before_header.revision)
    );
    assert!(after.raft_term > before.raft_term);
    member.terminate();
    assert_eq!(member.wait().code(), Some(0));
}

#[tokio::test]
async fn an_idle_member_is_small() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder, "one");
    let mut member = place.start(&[&place], &[]);
    member.wait_for(READY);
    let megabytes = member.resident() >> 20;
    // Of an unoptimised build, which is larger than what runs in earnest.
    assert!(megabytes < 30, "{megabytes} MB");
}

#[tokio::test]
async fn a_store_that_is_full_refuses_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder, "one");
    let mut member = place.start(&[&place], &["--quota-backend-bytes=65536"]);
    member.wait_for(READY);
    let request = consensus::api::etcdserverpb::PutRequest {
        key: "key".into(),
        value: vec![0; 60_000].into(),
        ..Default::default()
    };
    let refusal = place.kv().await.put(request).await.unwrap_err();
    assert_eq!(refusal.message(), "etcdserver: mvcc: database space exceeded");
    let (status, body) = place.http("/health");
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert_eq!(body, "{\"health\":\"false\",\"reason\":\"ALARM NOSPACE\"}\n");
    assert_eq!(place.http("/health?exclude=NOSPACE").0, "HTTP/1.1 200 OK");
}
