//! Waiting until a server truly answers.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use super::error::NotReady;
use crate::process::{Process, tail};

/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(2);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(10);
/// How much of a log an error shows.
const LINES: usize = 12;

/// Asks until the process answers, but no longer than `bound`.
pub(crate) async fn wait<Asked: Future<Output = io::Result<()>>>(
    process: &Process,
    bound: Duration,
    ask: impl Fn() -> Asked,
) -> Result<(), NotReady> {
    let begun = Instant::now();
    let mut reason = String::from("no answer at all");
    while begun.elapsed() < bound {
        if let Some(exit) = process.exit() {
            let (log, last) = (process.log().to_owned(), tail(process.log(), LINES));
            return Err(NotReady::Ended { name: process.name().to_owned(), exit, log, last });
        }
        match timeout(QUESTION, ask()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => reason = error.to_string(),
            Err(_) => reason = format!("no answer in {QUESTION:?}"),
        }
        sleep(PAUSE).await;
    }
    let (log, last) = (process.log().to_owned(), tail(process.log(), LINES));
    Err(NotReady::TooLate { name: process.name().to_owned(), bound, reason, log, last })
}
