//! Instances among each other, at real coordinators.

use contracts::{OrderId, stock::ReservationStatus::Released};
use coordination::{Cluster, Config, Name, election, settings::Control};
use inventory::{SERVICE, sweep};
use local::testing;

use crate::world::{World, until};

const TIME_TO_LIVE: Name = Name::literal("inventory.reservation.ttl_seconds");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_is_elected_set_while_it_runs_and_goes_on_without_coordinators() {
    let coordinators = testing::private_coordinators(1).await;
    let cluster = Cluster::new(Config::new(coordinators.endpoints(), testing::prefix())).unwrap();
    let variables = [
        ("PLUMBLINE_COORDINATORS", &*cluster.config().endpoints.join(",")),
        ("PLUMBLINE_COORDINATION_PREFIX", &cluster.config().prefix),
        ("PLUMBLINE_INSTANCE", "inventory-1"),
        ("PLUMBLINE_SWEEP_INTERVAL_MILLIS", "20"),
    ];
    let mut world = World::start_with(&variables).await;
    let owner = async || election::leader(&cluster, &SERVICE.join(sweep::DUTY.as_str())).await.unwrap();
    let owner = async |instance: &str| owner().await.filter(|leader| leader.candidate == instance).map(|_| ());
    until("the first to be elected", async || owner("inventory-1").await).await;
    world.start_another().await;
    world.stock_up(&[("A", 10)]).await;
    let order = world.place(&[("A", 1)]).await;
    world.settle().await;
    assert!(world.reservation(order).await.unwrap().released_at.is_none(), "it is held for 15 minutes");

    let control = Control::new(&cluster);
    control.set(&TIME_TO_LIVE, Some("0"), "a test").await.unwrap_err();
    control.set(&TIME_TO_LIVE, Some("1"), "a test").await.unwrap();
    world.until_status(order, Released).await;

    world.apps.remove(0).stop().await;
    until("the second to be elected", async || owner("inventory-2").await).await;
    let expires = async |world: &World| -> OrderId {
        let order = world.place(&[("A", 1)]).await;
        world.until_status(order, Released).await;
        order
    };
    expires(&world).await;
    coordinators.kill(0).await;
    let last = expires(&world).await;
    world.settle().await;
    assert_eq!(world.until_told(last, 2).await, ["reserved", "released"]);
    assert_eq!(world.level("A").await, (10, 0));
    world.end().await;
    coordinators.stop().await;
}
