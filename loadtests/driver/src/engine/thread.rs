//! Work on a thread of its own.

use std::thread;

use tokio::{sync::oneshot, task::LocalSet};

/// Why work could not be done on a thread of its own.
#[derive(Debug, thiserror::Error)]
pub enum ThreadError {
    /// The thread or its runtime could not be started.
    #[error("cannot start the driver's thread: {0}")]
    Start(#[from] std::io::Error),
    /// It panicked; its message went to standard error.
    #[error("the driver's thread panicked")]
    Panicked,
}

/// Does work on a thread of its own with a single-threaded runtime. Dropping the future ends the work.
pub(crate) async fn alone<T, Work>(work: impl FnOnce() -> Work + Send + 'static) -> Result<T, ThreadError>
where
    T: Send + 'static,
    Work: Future<Output = T>,
{
    let (mut done, outcome) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("driver".to_owned()).spawn(move || {
        let finished = LocalSet::new().block_on(&runtime, async {
            tokio::select! {
                result = work() => Some(result),
                () = done.closed() => None,
            }
        });
        if let Some(result) = finished {
            // Nobody waits any longer where this fails.
            let _ = done.send(result);
        }
    })?;
    outcome.await.map_err(|_| ThreadError::Panicked)
}
