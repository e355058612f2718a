//! gRPC's health checking protocol.

use std::collections::HashMap;

use coordinator::proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, health_check_response::ServingStatus,
    health_client::HealthClient,
};
use tonic::Code;

use crate::{
    grpc::{connect, refusal, told},
    member::{Place, READY},
};

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn a_member_serves_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(&folder, "one");
    let mut member = place.start(&[&place], &[]);
    member.wait_for(READY);
    let mut health = HealthClient::new(connect(&place).await);
    let serving = HealthCheckResponse { status: ServingStatus::Serving.into() };
    assert_eq!(health.check(of("")).await.unwrap().into_inner(), serving);
    let list = health.list(HealthListRequest {}).await.unwrap().into_inner().statuses;
    assert_eq!(list, HashMap::from([(String::new(), serving)]));
    // etcd names none of its services one by one.
    assert_eq!(refusal(health.check(of("etcdserverpb.KV")).await), told(Code::NotFound, "unknown service"));
    let mut unknown = health.watch(of("etcdserverpb.KV")).await.unwrap().into_inner();
    assert_eq!(unknown.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);

    let mut watched = health.watch(of("")).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap(), Some(serving));
    member.terminate();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    assert_eq!(watched.message().await.unwrap(), None);
    assert_eq!(member.wait().code(), Some(0));
}

#[tokio::test]
async fn a_member_without_a_leader_serves_what_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["a", "b"].map(|name| Place::new(&folder, name));
    let cluster: Vec<&Place> = places.iter().collect();
    let mut members: Vec<_> = places.iter().map(|place| place.start(&cluster, &[])).collect();
    members.iter_mut().for_each(|member| drop(member.wait_for(READY)));
    let mut health = HealthClient::new(connect(&places[0]).await);
    members.remove(1).kill();
    while places[0].status().await.leader != 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(health.check(of("")).await.unwrap().into_inner().status(), ServingStatus::Serving);
}
