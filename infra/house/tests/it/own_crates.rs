//! Who may use whom.

use std::collections::BTreeMap;

use crate::metadata::WORKSPACE;

const SHARED: &[&str] = &["contracts", "service", "telemetry", "messaging", "coordination", "locks", "cache"];

/// Each crate of the house, and which others it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("contracts", &[]),
    ("telemetry", &[]),
    // How a service stands among the others is what every service does the same way.
    ("service", &["contracts", "telemetry", "coordination"]),
    // Who relays a bucket is elected, and how much at once is set while it runs.
    ("messaging", &["contracts", "telemetry", "coordination"]),
    ("coordination", &["telemetry"]),
    // The epochs of fencing tokens, and which strategy is in force, are the cluster's.
    ("locks", &["contracts", "telemetry", "coordination"]),
    // How values are cached, and for how long, are live settings.
    ("cache", &["contracts", "telemetry", "coordination"]),
    ("consensus", &[]),
    ("coordinator", &["consensus"]),
    ("order", SHARED),
    ("inventory", SHARED),
    ("recommendation", SHARED),
    ("local", &[]),
    ("traces", &[]),
    // The cluster has members and settings to show and to change, and only `coordination` speaks its protocol.
    // `simulate` runs the engine, which needs no service for that. `locks` tells who holds what and compares ways to lock:
    // no service could be asked for either, and only that crate speaks to Redis.
    ("plumbline", &["contracts", "consensus", "coordination", "locks", "local", "driver", "audit"]),
    ("house", &[]),
    ("driver", &["contracts"]),
    // `messaging` tells it how many messages wait on the dead-letter topics: only that crate speaks to Kafka.
    ("audit", &["contracts", "messaging"]),
];

/// What any crate's tests may use besides: real servers.
const TESTS_MAY_USE: &[&str] = &["local"];

#[test]
fn crates_use_only_those_they_may() {
    let may_use: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let own: Vec<&str> = WORKSPACE.own().map(|package| package.name.as_str()).collect();
    let mut faults = Vec::new();
    for package in WORKSPACE.own() {
        let Some(allowed) = may_use.get(package.name.as_str()) else {
            faults.push(format!("{}: has no entry in MAY_USE; decide whom it may use", package.name));
            continue;
        };
        for used in package.dependencies.iter().filter(|used| own.contains(&used.name.as_str())) {
            let for_tests = used.is_for_tests() && TESTS_MAY_USE.contains(&used.name.as_str());
            if !for_tests && !allowed.contains(&used.name.as_str()) {
                faults.push(format!("{}: must not use {}", package.name, used.name));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_entry_is_a_crate() {
    let gone: Vec<_> =
        MAY_USE.iter().filter(|(name, _)| WORKSPACE.own().all(|package| package.name != *name)).collect();
    assert!(gone.is_empty(), "no such crates: {gone:?}");
}
