//! A shop with a replica of its databases: shown, held back, killed, brought back.

use serde_json::Value;

use crate::installation::{Installation, eventually};

fn standing(shop: &Installation) -> Value {
    serde_json::from_str(&shop.run(&["replica", "show", "--json"]).success().stdout).unwrap()
}

#[test]
fn a_replica_is_shown_held_back_killed_and_brought_back() {
    let shop = Installation::new();
    shop.run(&["up", "--detach", "--replica", &shop.port_offset()]).success();
    let status = shop.run(&["status"]).success();
    let address = format!("127.0.0.1:{}", shop.port(15433));
    let of_replica = |line: &&str| line.starts_with("replica") && line.contains(&address);
    assert!(status.stdout.lines().find(of_replica).is_some_and(|line| line.contains("ready")), "{status:#?}");
    eventually("the replica has all", || standing(&shop)["behind_bytes"] == 0);

    let paused = shop.run(&["replica", "pause"]).success();
    assert!(paused.stdout.contains("replays nothing"), "{paused:#?}");
    let seeded = shop.run(&["seed", &format!("{}/tests/it/orders.csv", env!("CARGO_MANIFEST_DIR"))]).success();
    assert!(seeded.stdout.contains("2 products"), "{seeded:#?}");
    let held = standing(&shop);
    assert!(held["behind_bytes"].as_u64() > Some(0) && held["written"] != held["replayed"], "{held}");
    let resumed = shop.run(&["replica", "resume"]).success();
    assert!(!resumed.stdout.contains("replays nothing"), "{resumed:#?}");
    eventually("the replica has caught up", || standing(&shop)["behind_bytes"] == 0);

    shop.run(&["kill", "replica"]).success();
    shop.run(&["replica", "show"]).failure(1, &["the replica does not answer"]);
    let order = shop.run(&["order", "85123A=1"]).success();
    assert!(order.stdout.contains("CONFIRMED"), "{order:#?}");
    shop.run(&["restart", "replica"]).success();
    eventually("the replica has caught up again", || standing(&shop)["behind_bytes"] == 0);
}

#[test]
fn without_a_shop_there_is_no_replica() {
    Installation::new().run(&["replica", "show"]).failure(1, &["no shop runs on"]);
}
