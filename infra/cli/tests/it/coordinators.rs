//! The shop's coordinators, and what is set through them, by the command.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use coordination::{
    Cluster, Name,
    settings::{self, Definitions, Follower, Integer},
};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    installation::{Installation, Outcome, eventually},
    whole::terminate,
};

/// Where the first three serve clients, before any offset.
const PORTS: [u16; 3] = [8091, 8092, 8093];
const SETTING: &str = "test.batch";

fn json(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome:#?}"))
}

/// Each member's role, by name, whether or not there is a leader.
fn roles(shop: &Installation) -> Vec<String> {
    let members = json(&shop.run(&["cluster", "--json"]));
    members.as_array().unwrap().iter().map(|member| member["role"].as_str().unwrap().to_owned()).collect()
}

/// What `status` tells of a part.
fn part(shop: &Installation, name: &str) -> Value {
    let parts = json(&shop.run(&["status", "--json"]).success());
    parts.as_array().unwrap().iter().find(|part| part["part"] == name).unwrap().clone()
}

/// Publishes a setting, as a service does, for as long as the follower is held.
async fn publish(shop: &Installation) -> Follower {
    let endpoints = PORTS.map(|port| format!("http://127.0.0.1:{}", shop.port(port)));
    let cluster = Cluster::new(coordination::Config::new(endpoints, "plumbline")).unwrap();
    let mut definitions = Definitions::new();
    let batch = Integer { default: 500, range: 1..=5_000 };
    let name = SETTING.parse::<Name>().unwrap();
    definitions.define(name, batch, "orders", "Largest batch").unwrap();
    let follower = settings::follow(&cluster, definitions);
    let control = settings::Control::new(&cluster);
    let published =
        async || control.definitions().await.is_ok_and(|all| all.iter().any(|d| d.name.as_str() == SETTING));
    while !published().await {
        tokio::task::yield_now().await;
    }
    follower
}

#[test]
fn coordinators_are_shown_lost_and_brought_back() {
    let shop = Installation::new();
    let up = shop.up();
    for words in ["coordinator#1", "coordinator#2", "coordinator#3", "coordinators"] {
        assert!(up.stdout.contains(words), "{words}: {}", up.stdout);
    }

    let table = shop.run(&["cluster"]).success();
    for words in ["coordinator-1", "coordinator-3", "leader", "follower", "TERM", "LAG", &shop.port(8092).to_string()] {
        assert!(table.stdout.contains(words), "{words}: {}", table.stdout);
    }
    let members = json(&shop.run(&["cluster", "--json"]).success());
    for field in ["term", "revision", "raft_index", "applied_index", "lag", "size_bytes"] {
        assert!(members.as_array().unwrap().iter().all(|member| member[field].is_u64()), "{field}: {members}");
    }

    let leader = roles(&shop).iter().position(|role| role == "leader").unwrap();
    let name = format!("coordinator#{}", leader + 1);
    shop.run(&["kill", &name]).success();
    assert_eq!(part(&shop, &name)["state"], "killed");
    eventually("another leads", || roles(&shop).iter().any(|role| role == "leader"));
    let table = shop.run(&["cluster"]).success();
    assert!(table.stdout.lines().nth(leader + 1).unwrap().contains("down"), "{}", table.stdout);
    shop.run(&["restart", &name]).success();
    assert!(shop.run(&["logs", &name]).success().stdout.len() > 1);

    shop.run(&["kill", "coordinator"]).success();
    let lost = shop.run(&["cluster"]);
    assert_eq!((lost.code, lost.stdout.matches("down").count()), (Some(1), 3), "{lost:#?}");
    shop.run(&["restart", "coordinator#1"]).failure(1, &["1 of 3 coordinators run", "restart coordinator"]);
    shop.run(&["restart", "coordinator"]).success();
    assert!(!roles(&shop).contains(&"down".to_owned()));

    let pid = part(&shop, "coordinator#2")["pid"].as_u64().unwrap();
    terminate(u32::try_from(pid).unwrap(), Signal::SIGKILL);
    eventually("it is back", || {
        let second = part(&shop, "coordinator#2");
        second["crashes"] == 1 && second["state"] == "ready"
    });
    shop.run(&["kill", "coordinator#4"]).failure(1, &["coordinator#4 is not there", "3 of it"]);
    shop.run(&["down"]).success();
    eventually("nothing is left", || shop.processes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_shown_set_refused_and_kept() {
    let shop = Installation::new();
    shop.up();
    let _follower = publish(&shop).await;

    let list = shop.run(&["settings", "list"]).success();
    let line = list.stdout.lines().find(|line| line.starts_with(SETTING)).unwrap();
    assert!(line.contains("500") && line.contains("a whole number from 1 to 5000 (orders)"), "{}", list.stdout);
    let set = shop.run(&["settings", "set", SETTING, "50", "--as", "ann"]).success();
    assert_eq!(set.stdout, format!("{SETTING}: 500 (default) → 50\n"));
    let got = shop.run(&["settings", "get", SETTING]).success();
    assert!(got.stdout.starts_with(&format!("{SETTING} = 50\n")), "{}", got.stdout);

    let mut watch = shop.command(&["settings", "watch", SETTING]).stdout(Stdio::piped()).spawn().unwrap();
    let mut changes = BufReader::new(watch.stdout.take().unwrap()).lines();
    assert_eq!(changes.next().unwrap().unwrap(), format!("{SETTING} = 50"));

    shop.run(&["settings", "set", SETTING, "0"]).failure(1, &["\"0\" is not allowed", "from 1 to 5000"]);
    shop.run(&["settings", "set", SETTING, "-5"]).failure(1, &["\"-5\" is not allowed", "from 1 to 5000"]);
    shop.run(&["settings", "set", "test.bench", "1"]).failure(1, &["no service has a setting test.bench", SETTING]);
    shop.run(&["settings", "get", "test.bench"]).failure(1, &["no service has a setting test.bench", SETTING]);
    shop.run(&["settings", "history", "test.bench"]).failure(1, &["no service has a setting test.bench"]);
    shop.run(&["settings", "get", "a/b"]).failure(2, &["a/b", "no name"]);

    let unset = shop.run(&["settings", "unset", SETTING, "--as", "ben", "--json"]).success();
    assert_eq!(
        (&json(&unset)["who"], &json(&unset)["from"], &json(&unset)["to"]),
        (&"ben".into(), &"50".into(), &Value::Null)
    );
    assert_eq!(changes.next().unwrap().unwrap(), format!("{SETTING} = 500 (default)"));
    watch.kill().unwrap();
    watch.wait().unwrap();

    shop.run(&["settings", "set", SETTING, "70"]).success();
    shop.run(&["down"]).success();
    shop.up();
    let kept = json(&shop.run(&["settings", "get", SETTING, "--json"]).success());
    assert_eq!((&kept["value"], &kept["is_set"], &kept["most"]), (&"70".into(), &true.into(), &5_000.into()), "{kept}");
    let history = json(&shop.run(&["settings", "history", SETTING, "--json"]).success());
    let values: Vec<_> = history.as_array().unwrap().iter().map(|change| &change["to"]).collect();
    assert_eq!(values, [&Value::from("50"), &Value::Null, &Value::from("70")]);
}

#[test]
fn a_shop_may_have_one_coordinator_or_none_and_no_replica() {
    let shop = Installation::new();
    shop.run(&["up", "--detach", "--coordinators=1", &shop.port_offset()]).success();
    assert_eq!(roles(&shop), ["leader"]);
    shop.run(&["down"]).success();
    shop.run(&["up", "--detach", "--coordinators=0", &shop.port_offset()]).success();
    shop.run(&["cluster"]).failure(1, &["without coordinators", "--coordinator-url"]);
    shop.run(&["restart", "coordinator"]).failure(1, &["coordinator is not there"]);
    shop.run(&["replica", "pause"]).failure(1, &["without a replica", "up -d --replica"]);
}

#[test]
fn drivers_wait_for_each_other_and_begin_together() {
    let shop = Installation::new();
    shop.up();
    let load = ["load", "synthetic", "--rate=50", "--for=1", "--skus=5", "--json", "--start-with=evening:2"];
    let mut first = shop.command(&load).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(first.stderr.take().unwrap()).lines();
    let waits = told.find(|line| line.as_ref().unwrap().contains("waiting at \"evening\" until 2 drivers are there"));
    assert!(waits.is_some());
    let arrives = time::OffsetDateTime::now_utc();
    assert_eq!(first.try_wait().unwrap(), None, "one alone does not begin");

    let second = json(&shop.run(&load).success());
    let first = json(&Outcome::from(first.wait_with_output().unwrap()).success());
    let began = |summary: &Value| {
        let text = summary["started_at"].as_str().unwrap();
        time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).unwrap()
    };
    assert!(began(&first) > arrives && began(&second) > arrives, "{first} {second}");
    // Each is told by its own connection, on a machine that may be busy.
    assert!((began(&first) - began(&second)).abs() < time::Duration::seconds(1), "{first} {second}");
    assert_ne!(first["run"], second["run"]);
    shop.run(&load).failure(1, &["others have begun together as \"evening\" already", "take a name that is new"]);
    let audit = shop.run(&["audit"]).success();
    assert!(audit.stdout.contains("every order is right"), "{}", audit.stdout);
}
