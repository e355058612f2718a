//! What `cargo metadata` tells about the workspace and all it is built from.

use std::{collections::HashSet, path::PathBuf, process::Command, sync::LazyLock};

use serde::Deserialize;

/// The platform whose dependencies are looked at: that of the machines Plumbline runs on.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// The workspace as it stands.
pub(crate) static WORKSPACE: LazyLock<Workspace> = LazyLock::new(read);

#[derive(Deserialize)]
pub(crate) struct Workspace {
    packages: Vec<Package>,
    workspace_members: HashSet<String>,
    resolve: Resolve,
    pub(crate) workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// `None` for a crate of the workspace.
    pub(crate) source: Option<String>,
    /// An SPDX expression.
    pub(crate) license: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) manifest_path: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    kind: Option<String>,
}

impl Dependency {
    /// Whether only tests see it.
    pub(crate) fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

impl Workspace {
    /// The crates of the house.
    pub(crate) fn own(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// All that is built from outside the house, tests included.
    pub(crate) fn outside(&self) -> impl Iterator<Item = &Package> {
        let built: HashSet<&str> = self.resolve.nodes.iter().map(|node| node.id.as_str()).collect();
        self.packages
            .iter()
            .filter(move |package| built.contains(package.id.as_str()) && !self.workspace_members.contains(&package.id))
    }
}

fn read() -> Workspace {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", PLATFORM]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo runs, as it runs this test");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints format version 1")
}
