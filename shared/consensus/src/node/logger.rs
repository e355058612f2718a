//! raft logs through slog; this carries it to `tracing`.

use slog::{Drain, KV, Level, Logger, Never, OwnedKVList, Record, Serializer, o};

struct Tracing;

pub(super) fn to_tracing(member: u64) -> Logger {
    Logger::root(Tracing, o!("member" => member))
}

impl Drain for Tracing {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, of_logger: &OwnedKVList) -> Result<(), Never> {
        // Before the fields are put together: raft says a lot.
        if !self.is_enabled(record.level()) {
            return Ok(());
        }
        let mut fields = Fields(String::new());
        let _written_to_memory = record.kv().serialize(record, &mut fields);
        let _written_to_memory = of_logger.serialize(record, &mut fields);
        match record.level() {
            Level::Critical | Level::Error => tracing::error!(target: "raft", fields = fields.0, "{}", record.msg()),
            Level::Warning => tracing::warn!(target: "raft", fields = fields.0, "{}", record.msg()),
            // What raft calls information is of use to those who debug it.
            Level::Info | Level::Debug => tracing::debug!(target: "raft", fields = fields.0, "{}", record.msg()),
            Level::Trace => tracing::trace!(target: "raft", fields = fields.0, "{}", record.msg()),
        }
        Ok(())
    }

    fn is_enabled(&self, level: Level) -> bool {
        match level {
            Level::Critical | Level::Error => tracing::enabled!(target: "raft", tracing::Level::ERROR),
            Level::Warning => tracing::enabled!(target: "raft", tracing::Level::WARN),
            Level::Info | Level::Debug => tracing::enabled!(target: "raft", tracing::Level::DEBUG),
            Level::Trace => tracing::enabled!(target: "raft", tracing::Level::TRACE),
        }
    }
}

struct Fields(String);

impl Serializer for Fields {
    fn emit_arguments(&mut self, key: slog::Key, value: &std::fmt::Arguments<'_>) -> slog::Result {
        use std::fmt::Write as _;
        write!(self.0, "{}{key}={value}", if self.0.is_empty() { "" } else { " " }).map_err(slog::Error::from)
    }
}
