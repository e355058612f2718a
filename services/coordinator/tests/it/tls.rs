//! Certificates of members and clients.

use consensus::api::etcdserverpb::{PutRequest, RangeRequest};
use coordinator::proto::etcdserverpb::kv_client::KvClient;
use tonic::transport::{Certificate as Trusted, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::{
    certificates::{Authority, Certificate},
    member::{Member, PATIENCE, Place, READY},
};

/// Flags of a member that serves clients with a certificate.
fn serving(place: &Place, own: &Certificate) -> Vec<String> {
    let url = format!("https://127.0.0.1:{}", place.client_port);
    [
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        format!("--cert-file={}", own.file.display()),
        format!("--key-file={}", own.key_file.display()),
    ]
    .into()
}

fn start(place: &Place, cluster: &[&Place], flags: &[String]) -> Member {
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    place.start(cluster, &flags)
}

/// A connection of a client that trusts one authority and shows a certificate, if it has one. Under TLS 1.3 a client
/// hears only with its first request that the server didn't like its certificate.
async fn connect(place: &Place, trusted: &Authority, own: Option<&Certificate>) -> Result<KvClient<Channel>, String> {
    let mut tls = ClientTlsConfig::new().ca_certificate(Trusted::from_pem(trusted.pem()));
    if let Some(own) = own {
        tls = tls.identity(Identity::from_pem(&own.pem, &own.key_pem));
    }
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{}", place.client_port)).unwrap();
    let endpoint = endpoint.tls_config(tls).unwrap().connect_timeout(PATIENCE).timeout(PATIENCE);
    let mut kv = KvClient::new(endpoint.connect().await.map_err(|error| format!("{error:?}"))?);
    let request = RangeRequest { key: "key".into(), ..RangeRequest::default() };
    kv.range(request).await.map_err(|error| format!("{error:?}"))?;
    Ok(kv)
}

#[tokio::test]
async fn clients_know_a_member_by_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(folder.path(), "ca"), Authority::new(folder.path(), "other"));
    let place = Place::new(&folder, "one");
    let mut member = start(&place, &[&place], &serving(&place, &authority.sign(folder.path(), "server")));
    member.wait_for(READY);
    member.wait_for("serving client traffic securely");

    let mut kv = connect(&place, &authority, None).await.unwrap();
    let put = PutRequest { key: "key".into(), value: "value".into(), ..PutRequest::default() };
    kv.put(put).await.unwrap();
    let error = connect(&place, &other, None).await.unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
    // Who doesn't speak TLS gets no answer at all.
    let plain = Endpoint::from_shared(place.client_url()).unwrap().connect_timeout(PATIENCE).timeout(PATIENCE);
    let answered = match plain.connect().await {
        Ok(channel) => {
            KvClient::new(channel).range(RangeRequest { key: "key".into(), ..RangeRequest::default() }).await.is_ok()
        }
        Err(_) => false,
    };
    assert!(!answered);
}

#[tokio::test]
async fn an_authority_for_clients_means_that_they_must_show_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(folder.path(), "ca"), Authority::new(folder.path(), "other"));
    let own = authority.sign(folder.path(), "client");
    let foreign = other.sign(folder.path(), "foreign");
    // As in etcd, the authority alone says so, too.
    for flag in [None, Some("--client-cert-auth".to_owned())] {
        let place = Place::new(&folder, if flag.is_some() { "flag" } else { "authority" });
        let mut flags = serving(&place, &authority.sign(folder.path(), "server"));
        flags.push(format!("--trusted-ca-file={}", authority.file().display()));
        flags.extend(flag);
        let mut member = start(&place, &[&place], &flags);
        member.wait_for(READY);
        connect(&place, &authority, Some(&own)).await.unwrap();
        for refused in [None, Some(&foreign)] {
            let error = connect(&place, &authority, refused).await.err();
            assert!(error.is_some(), "a client without a certificate of the authority was served");
        }
        connect(&place, &authority, Some(&own)).await.unwrap();
    }
}

/// Flags of a member that speaks TLS with the others.
fn peering(place: &Place, cluster: &[&Place], authority: &Authority, own: &Certificate) -> Vec<String> {
    let url = |place: &Place| format!("https://127.0.0.1:{}", place.peer_port);
    let entries: Vec<_> = cluster.iter().map(|place| format!("{}={}", place.name, url(place))).collect();
    [
        format!("--listen-peer-urls={}", url(place)),
        format!("--initial-advertise-peer-urls={}", url(place)),
        format!("--initial-cluster={}", entries.join(",")),
        format!("--peer-cert-file={}", own.file.display()),
        format!("--peer-key-file={}", own.key_file.display()),
        format!("--peer-trusted-ca-file={}", authority.file().display()),
        "--peer-client-cert-auth".to_owned(),
    ]
    .into()
}

#[tokio::test]
async fn members_know_each_other_by_their_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new(folder.path(), "ca"), Authority::new(folder.path(), "other"));
    let places = ["a", "b", "c"].map(|name| Place::new(&folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    let run = |place: &Place, authority: &Authority, signer: &Authority| {
        let own = signer.sign(folder.path(), &place.name);
        start(place, &cluster, &peering(place, &cluster, authority, &own))
    };
    let mut members = [run(&places[0], &authority, &authority), run(&places[1], &authority, &authority)];
    // The third is of another authority, though it trusts the right one.
    let mut stranger = run(&places[2], &authority, &other);
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    places[0].put("key", "value").await;
    assert_eq!(places[1].get("key").await.unwrap(), "value");
    members[0].wait_until("that the stranger's certificate is not taken", |event| {
        event["reason"].as_str().is_some_and(|reason| reason.contains("UnknownIssuer"))
    });
    stranger.wait_for("lost or found no connection to a peer");
    assert!(!stranger.last_events(1_000).iter().any(|event| event["msg"] == READY));
    stranger.kill();

    // With a certificate of the right one it is a member as the others are, and catches up.
    let mut third = run(&places[2], &authority, &authority);
    third.wait_for(READY);
    assert_eq!(places[2].get("key").await.unwrap(), "value");
}
