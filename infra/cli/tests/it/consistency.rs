//! Levels of consistency, checked while parts of a shop die; and reads that are measured.

use serde_json::Value;

use crate::installation::{Installation, Outcome, eventually, plumbline};

fn refused(arguments: &[&str], words: &[&str]) {
    Outcome::of(&mut plumbline(arguments)).failure(2, words);
}

#[test]
fn faults_are_named() {
    let check = |more: &[&'static str]| [&["consistency", "check"][..], more].concat();
    refused(&check(&["--ttl", "2"]), &["--ttl", "1ms"]);
    refused(&check(&["--faults", "--order-url", "http://127.0.0.1:1"]), &["--order-url"]);
    refused(&["load", "browse"], &["--rate", "--saturate"]);
    refused(&["load", "browse", "--saturate", "--level", "linearizable"], &["--level", "monotonic and eventual"]);
    refused(&["load", "stampede", "--sku", "a/b"], &["--sku", "'/'"]);
    let shop = Installation::new();
    for arguments in [&["consistency", "check"][..], &["load", "browse", "--saturate"], &["load", "stampede"]] {
        shop.run(arguments).failure(1, &["no shop runs on", "plumbline up"]);
        let help = Outcome::of(&mut plumbline(&[arguments, &["--help"]].concat())).success();
        assert!(help.stdout.contains("Usage:") && help.stdout.contains("Examples:"), "{}", help.stdout);
    }
}

#[test]
fn every_level_keeps_its_promises_whatever_dies() {
    let shop = Installation::new();
    let up = ["up", "--detach", "--replica", "--instances", "inventory=2", &shop.port_offset()];
    shop.run(&up).success();

    let checked = shop.run(&["consistency", "check", "--faults", "--operations", "6000", "--skus", "4", "--json"]);
    let report: Value = serde_json::from_str(&checked.stdout).unwrap_or_else(|error| panic!("{error}: {checked:#?}"));
    assert_eq!(
        (checked.code, &report["violations"], &report["passed"]),
        (Some(0), &0.into(), &true.into()),
        "{report:#}"
    );
    assert_eq!(report["operations"], 6_000);
    for fault in
        ["memcached killed", "memcached stopped", "replica held back", "inventory#1 killed", "inventory#2 killed"]
    {
        assert!(report["faults"][fault].as_u64() > Some(0), "{fault}: {report:#}");
    }
    for level in report["levels"].as_array().unwrap() {
        assert!(level["reads"].as_u64() > Some(500), "{level:#}");
    }
    assert!(
        report["levels"][3]["behind_strong"].as_u64() > Some(0),
        "eventual reads showed a lagging copy: {report:#}"
    );
    eventually("all is as it was", || {
        let status: Vec<Value> = serde_json::from_str(&shop.run(&["status", "--json"]).success().stdout).unwrap();
        status.iter().all(|part| part["state"] == "ready")
    });

    let looked = shop.run(&["load", "browse", "--rate", "200", "--for", "2", "--json"]).success();
    let looked: Value = serde_json::from_str(&looked.stdout).unwrap();
    assert!(looked[0]["reads"].as_u64() > Some(300) && looked[0]["writes"].as_u64() > Some(0), "{looked:#}");
    assert!(looked[0]["postgres_ms_per_thousand_reads"].as_f64().is_some(), "{looked:#}");
}
