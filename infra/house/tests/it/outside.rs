//! What may come in from outside the house.

use std::collections::{BTreeMap, BTreeSet};

use crate::{licence, metadata::WORKSPACE};

/// Licences that ask for no more than to be named.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "Zlib",
    "0BSD",
    "CC0-1.0",
    "Unlicense",
    "Unicode-3.0",
];

const ACTIX: &str = "actix-web still uses http 0.2";
const SQLX: &str = "sqlx-postgres is ahead of the others with the digest crates; their traits do not meet";
const RAND: &str = "uuid and proptest are ahead of the others with rand, raft is behind; they share no types";
const RAFT: &str = "raft's messages are generated for an older prost, by tools that are only there to build";
const OLD_RAFT: &str = "raft is behind with it; its types stay inside";
const MACROS: &str = "build time only: procedural macros move from syn 2 to 3 one by one";

/// Crates of which two versions are tolerated, and why.
const TOLERATED_TWICE: &[(&str, &str)] = &[
    ("base64", "reqwest is ahead of sqlx and tonic"),
    ("bitflags", RAFT),
    ("block-buffer", SQLX),
    ("cpufeatures", SQLX),
    ("crypto-common", SQLX),
    ("digest", SQLX),
    ("fixedbitset", RAFT),
    ("foldhash", RAFT),
    ("getrandom", RAND),
    ("hashbrown", "indexmap is ahead of sqlx's hashlink"),
    ("heck", RAFT),
    ("http", ACTIX),
    ("itertools", RAFT),
    ("linux-raw-sys", RAFT),
    ("multimap", RAFT),
    ("petgraph", RAFT),
    ("prettyplease", "build time only: generators of etcd-client's messages are ahead of prost-build"),
    ("prost", RAFT),
    ("prost-build", RAFT),
    ("prost-derive", RAFT),
    ("prost-types", RAFT),
    ("rand", RAND),
    ("rand_chacha", RAND),
    ("rand_core", RAND),
    ("rustix", RAFT),
    ("sha2", SQLX),
    ("syn", MACROS),
    ("thiserror", OLD_RAFT),
    ("thiserror-impl", OLD_RAFT),
];

#[test]
fn everything_comes_from_one_registry() {
    let sources: BTreeSet<&str> =
        WORKSPACE.outside().map(|package| package.source.as_deref().unwrap_or("a path")).collect();
    assert!(sources.len() == 1 && sources.iter().all(|source| source.starts_with("registry+")), "{sources:?}");
}

#[test]
fn licences_are_accepted() {
    let refused: Vec<String> = WORKSPACE
        .outside()
        .filter(|package| !package.license.as_deref().is_some_and(|text| licence::is_accepted(text, LICENCES)))
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn no_crate_comes_twice_without_a_reason() {
    let mut faults = Vec::new();
    for (name, versions) in twice() {
        if !TOLERATED_TWICE.iter().any(|(tolerated, _)| *tolerated == name) {
            faults.push(format!("{name} comes in the versions {}", versions.join(" and ")));
        }
    }
    assert!(faults.is_empty(), "{}\n`cargo tree -i NAME@VERSION` tells who asks for which.", faults.join("\n"));
}

#[test]
fn tolerated_crates_still_come_twice() {
    let twice = twice();
    let stale: Vec<_> = TOLERATED_TWICE.iter().filter(|(name, _)| !twice.contains_key(name)).collect();
    assert!(stale.is_empty(), "these come once now, take them off the list: {stale:?}");
}

#[test]
fn two_versions_of_open_telemetry_are_never_tolerated() {
    let tolerated: Vec<_> = TOLERATED_TWICE.iter().filter(|(name, _)| name.starts_with("opentelemetry")).collect();
    assert!(tolerated.is_empty(), "spans of one version never reach the exporter of the other: {tolerated:?}");
}

fn twice() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in WORKSPACE.outside() {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    versions
}
