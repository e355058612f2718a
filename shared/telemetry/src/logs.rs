//! Events to standard error.

use tracing_subscriber::{
    EnvFilter, Layer as _, fmt, layer::SubscriberExt as _, registry, util::SubscriberInitExt as _,
};

use crate::Error;

/// Sets the global subscriber; does nothing where one is set already, as in tests.
pub(crate) fn init() -> Result<(), Error> {
    let wanted = std::env::var("PLUMBLINE_LOG").unwrap_or_default();
    let filter = EnvFilter::try_new(if wanted.is_empty() { "info" } else { &wanted })
        .map_err(|fault| Error::Log(format!("PLUMBLINE_LOG={wanted}: {fault}; try info, or debug,librdkafka=info")))?;
    let layer = match std::env::var("PLUMBLINE_LOG_FORMAT").as_deref() {
        Ok("json") => fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed(),
        Ok("pretty" | "") | Err(_) => fmt::layer().with_ansi(false).with_writer(std::io::stderr).boxed(),
        Ok(other) => return Err(Error::Log(format!("PLUMBLINE_LOG_FORMAT={other}: must be pretty or json"))),
    };
    // A second application in one process, as tests have it, keeps the first one's subscriber.
    let _ = registry().with(layer.with_filter(filter)).try_init();
    Ok(())
}
