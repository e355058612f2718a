use std::{fmt::Write as _, path::Path};

use super::{BackupError, load};

/// What is in a file, as lines for people.
///
/// # Errors
/// See [`BackupError`].
pub fn status(path: &Path) -> Result<String, BackupError> {
    let (mut cluster, mut members) = (0, String::new());
    let (store, head) = load(path, |head| {
        cluster = head.cluster_id;
        let names: Vec<_> = head.members.iter().map(|member| format!("{}={:x}", member.name, member.id)).collect();
        members = names.join(", ");
    })?;
    let bytes =
        std::fs::metadata(path).map_err(|source| BackupError::Unreadable { path: path.to_owned(), source })?.len();
    let hash = store.hash_kv(0).map(|found| found.hash).unwrap_or_default();
    let mut text = String::new();
    let mut line = |name: &str, value: &dyn std::fmt::Display| {
        let _written_to_memory = writeln!(text, "{name:<18} {value}");
    };
    line("revision", &head.revision);
    // Before the first compaction it is -1.
    line("compacted up to", &head.compact_revision.max(0));
    line("versions of keys", &head.records);
    line("leases", &store.leases().len());
    line("hash", &format_args!("{hash} (as `etcdctl endpoint hashkv` tells it at this revision)"));
    line("bytes", &bytes);
    line("cluster", &format_args!("{cluster:x}"));
    line("members", &members);
    Ok(text)
}
