//! Which etcd this member stands for.

/// The release whose API and behaviour this is.
pub const ETCD: &str = "3.6.16";
/// The version all members of a cluster agree on.
pub const CLUSTER: &str = "3.6.0";
/// The format of the storage, as etcd names it.
pub const STORAGE: &str = "3.6.0";

/// The text of `--version`: the lines that scripts look for, and the truth.
#[must_use]
pub fn text() -> String {
    format!(
        "etcd Version: {ETCD}\nGit SHA: none\nGo Version: none\nGo OS/Arch: {}/{}\n\
         Plumbline coordinator {}: written in Rust, speaks the API of the etcd version above\n",
        std::env::consts::OS,
        match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        },
        env!("CARGO_PKG_VERSION"),
    )
}

/// The answer to `GET /version`.
#[must_use]
pub fn json() -> String {
    format!(r#"{{"etcdserver":"{ETCD}","etcdcluster":"{CLUSTER}","storage":"{STORAGE}"}}"#)
}
