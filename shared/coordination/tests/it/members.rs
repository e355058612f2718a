//! Who the members are, and how they do.

use coordination::{
    Name, epoch,
    members::{Member, Role, lag, members},
};
use local::testing;

use crate::stage::{client, eventually, reach};

static NAME: Name = Name::literal("any");

fn roles(members: &[Member]) -> Vec<Role> {
    members.iter().map(Member::role).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_down_is_told_of_and_the_others_are_shown() {
    let coordinators = testing::private_coordinators(3).await;
    let cluster = client(&coordinators);
    epoch::next(&cluster, &NAME).await.unwrap();
    let all = members(&cluster).await;
    let names: Vec<_> = all.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, ["coordinator-1", "coordinator-2", "coordinator-3"]);
    assert_eq!(roles(&all).iter().filter(|role| **role == Role::Leader).count(), 1, "{all:?}");
    let endpoints: Vec<_> = all.iter().map(|member| member.endpoint.clone()).collect();
    assert_eq!(endpoints, coordinators.endpoints());
    for member in &all {
        let report = member.report.as_ref().unwrap();
        assert!(
            report.term > 0 && report.applied_index > 0 && report.size > 0 && report.errors.is_empty(),
            "{report:?}"
        );
        assert!(lag(&all, member).is_some_and(|lag| lag < 10), "{all:?}");
    }

    let leader = all.iter().position(|member| member.role() == Role::Leader).unwrap();
    coordinators.kill(leader).await;
    eventually("there is another leader", async || roles(&members(&cluster).await).contains(&Role::Leader)).await;
    let rest = members(&cluster).await;
    assert_eq!((rest[leader].role(), rest[leader].id), (Role::Down, all[leader].id), "{rest:?}");
    assert_eq!(rest[leader].endpoint, coordinators.endpoints()[leader]);
    let silence = rest[leader].report.as_ref().unwrap_err().to_string();
    assert_eq!(silence, "Connection refused (os error 111)");
    assert_eq!(lag(&rest, &rest[leader]), None);
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_without_a_leader_are_shown_and_those_that_all_are_down() {
    let coordinators = testing::private_coordinators(3).await;
    let cluster = client(&coordinators);
    coordinators.kill(0).await;
    coordinators.kill(1).await;
    eventually("it has no leader", async || {
        let all = members(&cluster).await;
        assert_eq!(roles(&all)[..2], [Role::Down; 2], "{all:?}");
        all[2].report.as_ref().is_ok_and(|report| report.leader.is_none() && !report.errors.is_empty())
    })
    .await;
    coordinators.kill(2).await;
    let all = members(&cluster).await;
    assert_eq!(roles(&all), [Role::Down; 3]);
    assert!(all.iter().all(|member| member.id.is_none()), "{all:?}");
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_without_an_endpoint_are_asked_where_they_serve() {
    let coordinators = testing::private_coordinators(3).await;
    let cluster = reach(coordinators.endpoints().into_iter().take(1));
    let all = members(&cluster).await;
    assert!(all.len() == 3 && all.iter().all(|member| member.report.is_ok()), "{all:?}");
    coordinators.stop().await;
}
