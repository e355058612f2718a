//! A cluster's state saved by a client, and new clusters made of it.

use std::path::{Path, PathBuf};

use consensus::api::{
    etcdserverpb::{
        CompactionRequest, DeleteRangeRequest, HashKvRequest, HashKvResponse, LeaseGrantRequest,
        LeaseTimeToLiveRequest, MemberListRequest, PutRequest, RangeRequest, RangeResponse, SnapshotRequest,
    },
    mvccpb::KeyValue,
};
use coordinator::proto::etcdserverpb::{lease_client::LeaseClient, maintenance_client::MaintenanceClient};

use crate::{
    grpc::connect,
    member::{Member, Place, READY, coordinator},
};

/// Larger than what a snapshot puts into one chunk, so that there are several.
const VALUE: usize = 20_000;
const LEASE: i64 = 77;

fn three(folder: &tempfile::TempDir, names: [&str; 3]) -> [Place; 3] {
    names.map(|name| Place::new(folder, name))
}

fn start(places: &[Place]) -> Vec<Member> {
    let cluster: Vec<&Place> = places.iter().collect();
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &[])).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    members
}

/// Versions of some keys, one deleted, some with a lease, the oldest compacted; returns the newest revision.
async fn fill(place: &Place) -> i64 {
    let mut kv = place.kv().await;
    let grant = LeaseGrantRequest { id: LEASE, ttl: 600 };
    LeaseClient::new(connect(place).await).lease_grant(grant).await.unwrap();
    for number in 0..40 {
        let value = vec![number; VALUE].into();
        let lease = if number % 4 == 0 { LEASE } else { 0 };
        let key = format!("key/{}", number % 16).into();
        kv.put(PutRequest { key, value, lease, ..PutRequest::default() }).await.unwrap();
    }
    kv.delete_range(DeleteRangeRequest { key: "key/1".into(), ..DeleteRangeRequest::default() }).await.unwrap();
    let compacted = kv.compact(CompactionRequest { revision: 20, physical: true }).await.unwrap().into_inner();
    compacted.header.unwrap().revision
}

/// All keys as they were at a revision; 0 is the newest.
async fn all(place: &Place, revision: i64) -> RangeResponse {
    let request = RangeRequest { key: "\0".into(), range_end: "\0".into(), revision, ..RangeRequest::default() };
    let mut kv = place.kv().await.max_decoding_message_size(usize::MAX);
    kv.range(request).await.unwrap().into_inner()
}

async fn hash(place: &Place, revision: i64) -> HashKvResponse {
    let mut maintenance = MaintenanceClient::new(connect(place).await);
    let hash = maintenance.hash_kv(HashKvRequest { revision }).await.unwrap().into_inner();
    HashKvResponse { header: None, ..hash }
}

async fn save(place: &Place, path: &Path) {
    let mut maintenance = MaintenanceClient::new(connect(place).await);
    let mut messages = maintenance.snapshot(SnapshotRequest {}).await.unwrap().into_inner();
    let mut content = Vec::new();
    while let Some(message) = messages.message().await.unwrap() {
        content.extend_from_slice(&message.blob);
    }
    std::fs::write(path, content).unwrap();
}

/// Runs `snapshot restore`; the error's text where it is refused.
fn restore(file: &Path, place: &Place, cluster: &[Place], more: &[&str]) -> Result<String, String> {
    let entry = |place: &Place| format!("{}={}", place.name, place.peer_url());
    let cluster = cluster.iter().map(entry).collect::<Vec<_>>().join(",");
    let mut command = coordinator();
    command.args(["snapshot", "restore"]).arg(file).args(["--name", &place.name, "--data-dir"]).arg(&place.data);
    command.args(["--initial-advertise-peer-urls", &place.peer_url(), "--initial-cluster", &cluster]).args(more);
    let output = command.output().unwrap();
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// A saved cluster, which is gone.
struct Saved {
    folder: tempfile::TempDir,
    file: PathBuf,
    revision: i64,
    keys: Vec<KeyValue>,
    older: Vec<KeyValue>,
    hash: HashKvResponse,
    cluster_id: u64,
}

impl Saved {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let places = three(&folder, ["a", "b", "c"]);
        let _members = start(&places);
        let revision = fill(&places[0]).await;
        let file = folder.path().join("saved");
        save(&places[0], &file).await;
        let newest = all(&places[0], 0).await;
        let cluster_id = newest.header.unwrap().cluster_id;
        let older = all(&places[0], 30).await.kvs;
        let hash = hash(&places[0], 0).await;
        Self { folder, file, revision, keys: newest.kvs, older, hash, cluster_id }
    }
}

#[tokio::test]
async fn a_new_cluster_goes_on_where_the_saved_one_was() {
    let saved = Saved::new().await;
    let places = three(&saved.folder, ["x", "y", "z"]);
    for place in &places {
        let told = restore(&saved.file, place, &places, &["--initial-cluster-token=again"]).unwrap();
        assert!(told.contains(&format!("restored revision {}", saved.revision)), "{told}");
    }
    let _members = start(&places);
    for place in &places {
        let newest = all(place, 0).await;
        assert_eq!(newest.kvs, saved.keys);
        let header = newest.header.unwrap();
        assert_eq!(header.revision, saved.revision);
        assert_ne!(header.cluster_id, saved.cluster_id);
        assert_eq!(all(place, 30).await.kvs, saved.older);
        assert_eq!(hash(place, 0).await, saved.hash);
    }
    assert_eq!(saved.keys.len(), 15);
    let names = places[0]
        .members()
        .await
        .member_list(MemberListRequest { linearizable: true })
        .await
        .unwrap()
        .into_inner()
        .members;
    let mut names: Vec<_> = names.into_iter().map(|member| member.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["x", "y", "z"]);
    let mut leases = LeaseClient::new(connect(&places[1]).await);
    let request = LeaseTimeToLiveRequest { id: LEASE, keys: true };
    let lease = leases.lease_time_to_live(request).await.unwrap().into_inner();
    assert_eq!((lease.granted_ttl, lease.keys.len()), (600, 4));
    places[2].put("after", "value").await;
    assert_eq!(all(&places[0], 0).await.header.unwrap().revision, saved.revision + 1);
}

#[tokio::test]
async fn a_file_that_is_not_what_was_saved_is_refused() {
    let saved = Saved::new().await;
    let whole = std::fs::read(&saved.file).unwrap();
    let places = three(&saved.folder, ["x", "y", "z"]);
    let wrong = saved.folder.path().join("wrong");
    let refused = |content: &[u8]| {
        std::fs::write(&wrong, content).unwrap();
        let error = restore(&wrong, &places[0], &places, &[]).unwrap_err();
        assert!(!places[0].data.exists(), "nothing is left of it");
        error
    };
    for place in (8..whole.len()).step_by(whole.len() / 16).chain([whole.len() - 1, whole.len() - 33]) {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        let error = refused(&changed);
        assert!(error.contains("is damaged or was cut off: its SHA-256"), "{place}: {error}");
    }
    for length in [whole.len() - 1, whole.len() - 32, whole.len() / 2, whole.len() - 512, 45] {
        let error = refused(&whole[..length]);
        assert!(error.contains("is damaged or was cut off"), "{length}: {error}");
    }
    for content in [&b""[..], b"something else", &whole[1..]] {
        assert!(refused(content).contains("is no snapshot of a coordinator"));
    }
    let missing = saved.folder.path().join("missing");
    assert!(restore(&missing, &places[0], &places, &[]).unwrap_err().contains("cannot read"));
}

#[tokio::test]
async fn what_a_member_has_is_never_written_over() {
    let saved = Saved::new().await;
    let places = three(&saved.folder, ["x", "y", "z"]);
    restore(&saved.file, &places[0], &places, &[]).unwrap();
    let error = restore(&saved.file, &places[0], &places, &[]).unwrap_err();
    assert!(error.contains("is not empty") && error.contains("--data-dir"), "{error}");
    let error = restore(&saved.file, &places[1], &places[2..], &[]).unwrap_err();
    assert!(error.contains("couldn't find local name \"y\""), "{error}");
    let error = restore(&saved.file, &places[1], &places, &["--listen-client-urls=http://a:1"]).unwrap_err();
    assert!(error.contains("flag provided but not defined: -listen-client-urls"), "{error}");
}

#[tokio::test]
async fn revisions_can_be_raised_so_that_clients_see_none_twice() {
    let saved = Saved::new().await;
    let one = Place::new(&saved.folder, "one");
    let cluster = [one];
    let error = restore(&saved.file, &cluster[0], &cluster, &["--mark-compacted"]).unwrap_err();
    assert!(error.contains("--mark-compacted needs --bump-revision"), "{error}");
    restore(&saved.file, &cluster[0], &cluster, &["--bump-revision=1000", "--mark-compacted"]).unwrap();
    let _members = start(&cluster);
    let newest = all(&cluster[0], 0).await;
    assert_eq!((newest.header.unwrap().revision, newest.kvs), (saved.revision + 1_000, saved.keys));
    let request = RangeRequest { key: "key/2".into(), revision: saved.revision, ..RangeRequest::default() };
    let error = cluster[0].kv().await.range(request).await.unwrap_err();
    assert!(error.message().contains("required revision has been compacted"), "{error}");
}

#[tokio::test]
async fn a_file_tells_what_is_in_it() {
    let saved = Saved::new().await;
    let output = coordinator().args(["snapshot", "status"]).arg(&saved.file).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let value = |name: &str| {
        let line = told.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {told}"));
        line.trim().to_owned()
    };
    assert_eq!(value("revision"), saved.revision.to_string());
    assert_eq!(value("compacted up to"), "20");
    assert_eq!(value("leases"), "1");
    assert!(value("hash").starts_with(&saved.hash.hash.to_string()), "{told}");
    assert_eq!(value("cluster"), format!("{:x}", saved.cluster_id));
    for name in ["a=", "b=", "c="] {
        assert!(value("members").contains(name), "{told}");
    }
}
