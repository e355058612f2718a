//! Who may name the client of an engine, in its manifest and in its sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::metadata::{Package, WORKSPACE};

/// Starts the engines, and may name each client to know when a server answers.
const STARTS_ENGINES: &str = "local";

struct Client {
    /// Its package, and as it stands in sources.
    package: &'static str,
    module: &'static str,
    owners: &'static [&'static str],
    /// Where a service may name it: files and folders below the crate. Everywhere in crates that are no services.
    in_services: &'static [&'static str],
}

const fn client(package: &'static str, module: &'static str, owners: &'static [&'static str]) -> Client {
    Client { package, module, owners, in_services: &[] }
}

const CLIENTS: &[Client] = &[
    client("rdkafka", "rdkafka", &["messaging"]),
    client("redis", "redis", &["locks"]),
    client("memcache", "memcache", &["cache"]),
    client("etcd-client", "etcd_client", &["coordination"]),
    client("raft", "raft", &["consensus"]),
    Client {
        // Inbox and outbox stand in a service's own database, and the audit trusts no service.
        in_services: &["src/store.rs", "src/store/", "tests/"],
        ..client("sqlx", "sqlx", &["messaging", "audit", "order", "inventory"])
    },
];

#[test]
fn manifests_name_only_clients_they_own() {
    let mut faults = Vec::new();
    for package in WORKSPACE.own().filter(|package| package.name != STARTS_ENGINES) {
        for client in CLIENTS.iter().filter(|client| !client.owners.contains(&package.name.as_str())) {
            if package.dependencies.iter().any(|used| used.name == client.package) {
                faults.push(format!("{}: {} belongs to {}", package.name, client.package, client.owners.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn sources_name_clients_only_where_they_belong() {
    let mut faults = Vec::new();
    for package in WORKSPACE.own().filter(|package| package.name != STARTS_ENGINES) {
        let root = package.manifest_path.parent().expect("a manifest stands in a folder");
        for file in rust_files(root) {
            let text = fs::read_to_string(&file).expect("a listed source can be read");
            let path = file.strip_prefix(root).expect("found below it").to_string_lossy().into_owned();
            for client in CLIENTS.iter().filter(|client| !client.may_stand_in(package, &path)) {
                if let Some(line) = text.lines().position(|line| names(line, client.module)) {
                    let place = file.strip_prefix(&WORKSPACE.workspace_root).unwrap_or(&file);
                    faults.push(format!("{}:{}: names {}", place.display(), line + 1, client.module));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

impl Client {
    fn may_stand_in(&self, package: &Package, path: &str) -> bool {
        let is_service = package.manifest_path.starts_with(WORKSPACE.workspace_root.join("services"));
        let here = !is_service || self.in_services.iter().any(|place| path.starts_with(place));
        self.owners.contains(&package.name.as_str()) && here
    }
}

/// Whether code on this line names the module: `redis::…`, `use redis;`. Comments and texts may.
fn names(line: &str, module: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let code: String = code.split('"').step_by(2).collect();
    code.match_indices(module).any(|(start, _)| {
        let begins = !code[..start].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '.'));
        let rest = &code[start + module.len()..];
        let imported = code[..start].ends_with("use ") && rest.starts_with([';', ' ']);
        begins && (rest.starts_with("::") || imported)
    })
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a crate's folder can be listed").flatten().map(|entry| entry.path());
    let found = entries.flat_map(|path| match path {
        path if path.is_dir() => rust_files(&path),
        path if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
        _ => Vec::new(),
    });
    found.collect()
}

#[test]
fn a_client_is_known_by_its_module() {
    for line in
        ["use redis::Client;", "    let c: redis::Client = x;", "use redis;", "pub use redis as r;", "&redis::cmd()"]
    {
        assert!(names(line, "redis"), "{line}");
    }
    for line in ["use locks::redis::Lock;", "// redis::Client", "fn redis() {}", "use predis::x;", "start(redis);"] {
        assert!(!names(line, "redis"), "{line}");
    }
}
