//! Waiting for servers that may just be starting.

use std::{error::Error, time::Duration};

use rand::Rng;
use tokio::time::{Instant, sleep};

/// How long a service that starts waits for each server it needs.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// Does something that needs a server which may just be starting, again after a pause of 250 to 500 ms, until it works
/// or 30 s are over.
///
/// # Errors
/// The last attempt's, or the first that does not pass by itself.
pub async fn patiently<T, E: Error, F: Future<Output = Result<T, E>>>(
    whom: &str,
    mut attempt: impl FnMut() -> F,
    passes: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let deadline = Instant::now() + START_PATIENCE;
    loop {
        match attempt().await {
            Err(error) if passes(&error) && Instant::now() < deadline => {
                tracing::warn!(%error, "waiting for {whom}");
                let pause = Duration::from_millis(rand::rng().random_range(250..500));
                sleep(pause).await;
            }
            outcome => return outcome,
        }
    }
}

/// Before a batch is tried again: 20 ms, doubled with every failure up to 500 ms, with jitter over the upper half.
pub fn pause(failures: u32) -> Duration {
    let ceiling = 20u64.saturating_mul(1 << failures.min(6)).min(500);
    Duration::from_millis(rand::rng().random_range(ceiling / 2..=ceiling))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[tokio::test]
    async fn what_does_not_pass_is_not_tried_again() {
        let mut attempts = 0;
        let refused = patiently(
            "nobody",
            || {
                attempts += 1;
                async { Err::<(), _>(io::Error::other("no")) }
            },
            |_| false,
        );
        assert_eq!(refused.await.unwrap_err().to_string(), "no");
        assert_eq!(attempts, 1);
    }

    #[tokio::test]
    async fn what_passes_is_tried_until_it_works() {
        let mut attempts = 0;
        let worked = patiently(
            "the other",
            || {
                attempts += 1;
                let outcome = if attempts < 3 { Err(io::Error::other("not yet")) } else { Ok(attempts) };
                async { outcome }
            },
            |_| true,
        );
        assert_eq!(worked.await.unwrap(), 3);
    }
}
