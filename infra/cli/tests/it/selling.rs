//! Everybody wants one thing: more instances, a sale, its audit, and who holds which lock.

use serde_json::Value;

use crate::installation::{Installation, Outcome, plumbline};

fn refused(arguments: &[&str], words: &[&str]) {
    Outcome::of(&mut plumbline(arguments)).failure(2, words);
}

#[test]
fn faults_are_named() {
    let sale = ["load", "flash-sale"];
    let with = |more: &[&'static str]| [&sale[..], more].concat();
    refused(&with(&["--sku", "a/b"]), &["--sku", "'/'"]);
    refused(&with(&["--rate", "0"]), &["--rate", "above 0"]);
    refused(&with(&["--instances", "21"]), &["--instances", "1..=20"]);
    refused(&with(&["--before", "3"]), &["--others"]);
    refused(&with(&["--instances", "2", "--inventory-url", "http://127.0.0.1:1"]), &["--inventory-url"]);
    refused(&["scale"], &["SERVICE=N"]);
    refused(&["scale", "kafka=2"], &["order, inventory or recommendation"]);
    refused(&["locks", "bench", "--strategies", "database"], &["--strategies", "own transaction"]);
    refused(&["locks", "bench", "--strategies", "zookeeper"], &["--strategies", "redis-fenced"]);
    refused(&["locks", "bench", "--hold", "4"], &["--hold", "1ms"]);
    refused(&["locks", "bench", "--contenders", "0"], &["--contenders", "1..=1000"]);
}

#[test]
fn a_sale_that_makes_no_sense_is_refused_before_a_shop_is_looked_for() {
    let shop = Installation::new();
    shop.run(&["load", "flash-sale", "--stock", "0"]).failure(1, &["units on sale must be 1 to"]);
    shop.run(&["load", "flash-sale", "--buyers", "0"]).failure(1, &["buyers must be 1 to"]);
    let elsewhere = ["load", "flash-sale", "--order-url", "http://127.0.0.1:1"];
    shop.run(&elsewhere).failure(1, &["--order-database", "--inventory-database", "--kafka"]);
    for arguments in [&["load", "flash-sale"][..], &["scale", "order=2"], &["locks", "show"], &["locks", "bench"]] {
        shop.run(arguments).failure(1, &["no shop runs on", "plumbline up"]);
    }
}

#[test]
fn every_command_explains_itself() {
    for command in [&["scale"][..], &["load", "flash-sale"], &["locks", "show"], &["locks", "bench"]] {
        let help = Outcome::of(&mut plumbline(&[command, &["--help"]].concat())).success();
        assert!(help.stdout.contains("Usage:") && help.stdout.contains("Examples:"), "{command:?}: {}", help.stdout);
    }
    let locks = Outcome::of(&mut plumbline(&["locks", "--help"])).success();
    assert!(!locks.stdout.contains("contend "), "what it starts itself is of no concern: {}", locks.stdout);
}

#[test]
fn a_shop_is_scaled_sold_out_and_asked_for_its_locks() {
    let shop = Installation::new();
    shop.up();
    let ready = |part: &str| {
        let status = shop.run(&["status", "--json"]).success();
        let parts: Vec<Value> = serde_json::from_str(&status.stdout).unwrap();
        parts.iter().any(|found| found["part"] == part && found["state"] == "ready")
    };

    let scaled = shop.run(&["scale", "inventory=3"]).success();
    assert!(scaled.stdout.contains("3 instances of inventory"), "{}", scaled.stdout);
    assert!(ready("inventory#2") && ready("inventory#3"));
    shop.run(&["scale", "inventory=2"]).success();
    assert!(ready("inventory#2") && !ready("inventory#3"));

    let few = ["--stock", "50", "--buyers", "200", "--rate", "400"];
    let beside = ["--instances", "3", "--others", "50", "--before", "1"];
    let sold = shop.run(&[&["load", "flash-sale"], &few[..], &beside[..]].concat()).success();
    for words in
        ["sold                   50 orders confirmed", "rejected              150", "the audit found nothing wrong"]
    {
        assert!(sold.stdout.contains(words), "{words}: {}", sold.stdout);
    }
    assert!(sold.stdout.contains("others before") && sold.stdout.contains("times at p99"), "{}", sold.stdout);
    assert!(ready("inventory#3"));

    let again = shop.run(&[&["load", "flash-sale", "--json"], &few[..]].concat()).success();
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(
        (&again["sold"], &again["rejected"], &again["oversold"]),
        (&50.into(), &150.into(), &0.into()),
        "{again}"
    );
    assert_eq!(
        (&again["audit"]["violations"], &again["strategy"], &again["others"]),
        (&0.into(), &Value::Null, &Value::Null)
    );

    compare(&shop);
    let held = shop.run(&["locks", "show", "--json"]).success();
    let held: Value = serde_json::from_str(&held.stdout).unwrap();
    assert_eq!(held["silent"], Value::Array(Vec::new()), "{held}");
}

/// Every way to lock, for long enough that the coordinators have begun an epoch and granted leases on a busy machine.
fn compare(shop: &Installation) {
    let few = ["--contenders", "6", "--processes", "2", "--for", "4s"];
    let compared = shop.run(&[&["locks", "bench", "--json"], &few[..]].concat()).success();
    let rows: Vec<Value> = serde_json::from_str(&compared.stdout).unwrap();
    let ways: Vec<_> = rows.iter().map(|row| row["way"].as_str().unwrap()).collect();
    assert_eq!(ways, ["polling", "none", "redis", "redis-fenced", "redlock", "coordination"]);
    assert!(rows.iter().all(|row| row["locks"].as_u64().unwrap() > 0), "{rows:#?}");
}
