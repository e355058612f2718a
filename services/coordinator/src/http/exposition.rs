//! What is counted, as Prometheus reads it, under etcd's names.

use std::fmt::{Display, Write as _};

use crate::{engine::Engine, metrics::Histogram, version};

/// The text of `/metrics`.
pub(super) fn text(engine: &Engine) -> String {
    let mut page = Page(String::new());
    page.raft(engine);
    page.log(engine);
    page.store(engine);
    page.disk(engine);
    page.process();
    page.0
}

struct Page(String);

impl Page {
    fn raft(&mut self, engine: &Engine) {
        let status = engine.status();
        let metrics = engine.metrics();
        let changes = engine.leadership().borrow().changes;
        let member = engine.identity().member_id;
        let learner = engine.store().members().get(member).is_some_and(|member| member.is_learner);
        self.gauge(
            "etcd_server_has_leader",
            "Whether or not a leader exists. 1 is existence, 0 is not.",
            u8::from(status.leader != 0),
        );
        self.gauge(
            "etcd_server_is_leader",
            "Whether or not this member is a leader. 1 if is, 0 otherwise.",
            u8::from(status.is_leader),
        );
        self.gauge(
            "etcd_server_is_learner",
            "Whether or not this member is a learner. 1 if is, 0 otherwise.",
            u8::from(learner),
        );
        self.counter("etcd_server_leader_changes_seen_total", "The number of leader changes seen.", changes);
        self.gauge(
            "etcd_server_proposals_committed_total",
            "The total number of consensus proposals committed.",
            status.committed,
        );
        self.gauge(
            "etcd_server_proposals_applied_total",
            "The total number of consensus proposals applied.",
            status.applied,
        );
        self.gauge(
            "etcd_server_proposals_pending",
            "The current number of pending proposals to commit.",
            metrics.pending.get(),
        );
        self.counter(
            "etcd_server_proposals_failed_total",
            "The total number of failed proposals seen.",
            metrics.failed.get(),
        );
        self.counter(
            "etcd_server_slow_read_indexes_total",
            "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
            metrics.slow_reads.get(),
        );
        self.labelled(
            "etcd_server_id",
            "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
            &format!("server_id=\"{member:x}\""),
        );
        self.labelled(
            "etcd_server_version",
            "Which version is running. 1 for 'server_version' label with current version.",
            &format!("server_version=\"{}\"", version::ETCD),
        );
        self.labelled(
            "etcd_cluster_version",
            "Which version is running. 1 for 'cluster_version' label with current cluster version",
            &format!("cluster_version=\"{}\"", &version::CLUSTER[..3]),
        );
    }

    /// What etcd does not show.
    fn log(&mut self, engine: &Engine) {
        let (status, metrics) = (engine.status(), engine.metrics());
        self.gauge("plumbline_raft_term", "The current term.", status.term);
        self.gauge("plumbline_raft_last_index", "Index of the last entry that is held.", status.last);
        self.gauge(
            "plumbline_raft_committed_index",
            "Index of the last entry known to be committed.",
            status.committed,
        );
        self.gauge("plumbline_raft_applied_index", "Index of the last entry applied to the store.", status.applied);
        self.histogram(
            "plumbline_raft_commit_duration_seconds",
            "Time from a proposal's coming to its being committed, and applied here.",
            &metrics.commit,
        );
    }

    fn store(&mut self, engine: &Engine) {
        let (size, in_use, revision, compacted) = {
            let store = engine.store();
            (store.size(), store.size_in_use(), store.revision(), store.compact_revision())
        };
        self.gauge(
            "etcd_mvcc_db_total_size_in_bytes",
            "Total size of the underlying database physically allocated in bytes.",
            size,
        );
        self.gauge(
            "etcd_mvcc_db_total_size_in_use_in_bytes",
            "Total size of the underlying database logically in use in bytes.",
            in_use,
        );
        self.gauge("etcd_debugging_mvcc_current_revision", "The current revision of store.", revision);
        self.gauge("etcd_debugging_mvcc_compact_revision", "The revision of the last compaction in store.", compacted);
        self.gauge(
            "etcd_server_quota_backend_bytes",
            "Current backend storage quota size in bytes.",
            engine.limits().quota_bytes,
        );
    }

    fn disk(&mut self, engine: &Engine) {
        let metrics = engine.metrics();
        self.histogram(
            "etcd_disk_wal_fsync_duration_seconds",
            "The latency distributions of fsync called by WAL.",
            &metrics.fsync,
        );
        self.histogram(
            "etcd_snap_db_save_total_duration_seconds",
            "The total latency distributions of v3 snapshot save",
            &metrics.snapshot,
        );
    }

    fn process(&mut self) {
        if let Some(pages) = resident_pages() {
            self.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", pages * 4_096);
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            self.gauge("process_open_fds", "Number of open file descriptors.", open.count());
        }
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        let _written_to_memory = write!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    }

    fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        let _written_to_memory = write!(self.0, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {value}\n");
    }

    fn labelled(&mut self, name: &str, help: &str, label: &str) {
        let _written_to_memory = write!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{{{label}}} 1\n");
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        let (buckets, count, sum) = histogram.read();
        let _written_to_memory = write!(self.0, "# HELP {name} {help}\n# TYPE {name} histogram\n");
        for (bound, total) in buckets {
            let _written_to_memory = writeln!(self.0, "{name}_bucket{{le=\"{bound}\"}} {total}");
        }
        let _written_to_memory =
            write!(self.0, "{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {sum}\n{name}_count {count}\n");
    }
}

/// The second number of the file is resident pages (proc(5)).
fn resident_pages() -> Option<u64> {
    std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()
}
