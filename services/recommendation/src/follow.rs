//! Taking the model from the instance that builds it.

use std::time::Duration;

use coordination::{
    discovery::{self, Instances},
    election::{self, Candidate, Observer},
};
use rand::Rng;
use reqwest::Client;
use service::health::Part;
use telemetry::{
    context::TRACEPARENT,
    names::{http, rpc},
    spans,
};
use tokio::time::{Instant, sleep};

use crate::{
    builder::DUTY,
    domain::Model,
    memory::{Excerpt, Memory},
    metric_definitions::METRICS,
};

/// How long after an answer that was complete the next is asked for: so old the model is, at most and beside the builder's.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest pause after a failure.
const LONGEST: Duration = Duration::from_secs(1);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A follower of the builder: asks it for what it has learnt since.
pub struct Follower {
    leader: Observer,
    instances: Instances,
    http: Client,
    memory: Memory,
    part: Part,
    /// The build that is followed, and up to where; `None` before the first answer.
    known: Option<(u64, u64)>,
    /// The build as far as it has come, while it is not complete: until then the one before it answers.
    next: Option<Model>,
    failures: u32,
    answered: Instant,
}

/// Why the builder was not followed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("nobody is known to build the model")]
    Nobody,
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}

impl Follower {
    /// A follower that knows nothing yet. `part` becomes ready with the first whole build.
    ///
    /// Must be called within a runtime.
    pub fn new(candidate: &Candidate, memory: Memory, part: Part) -> Self {
        let Candidate { cluster, service, .. } = candidate;
        Self {
            leader: election::observe(cluster, &candidate.election(&DUTY)),
            instances: discovery::watch(cluster, service),
            http: Client::new(),
            memory,
            part,
            known: None,
            next: None,
            failures: 0,
            answered: Instant::now(),
        }
    }

    /// Takes the whole build again, as when the window is another.
    pub fn begin_anew(&mut self) {
        (self.known, self.next) = (None, None);
    }

    /// How long the builder has not answered.
    pub fn silence(&self) -> Duration {
        self.answered.elapsed()
    }

    /// Asks once, takes what is answered into a model of `window` orders, and pauses if there is no more. Nothing is lost
    /// when the future is dropped.
    pub async fn step(&mut self, window: usize) {
        match self.ask().await {
            Ok(excerpt) => {
                (self.failures, self.answered) = (0, Instant::now());
                let complete = excerpt.complete;
                self.take(excerpt, window);
                if complete {
                    sleep(PAUSE).await;
                }
            }
            Err(error) => {
                METRICS.follow_failures.add(1, &[]);
                self.failures = self.failures.saturating_add(1);
                tracing::debug!(%error, "the model's builder was not followed");
                sleep(pause(self.failures)).await;
            }
        }
    }

    async fn ask(&self) -> Result<Excerpt, Error> {
        let leader = self.leader.leader().ok_or(Error::Nobody)?;
        let builder = self.instances.list().into_iter().find(|instance| instance.id.as_str() == leader.candidate);
        let builder = builder.ok_or(Error::Nobody)?;
        let known = self.known.map(|(build, position)| format!("?build={build}&position={position}"));
        let url = format!("http://{}/model{}", builder.address, known.unwrap_or_default());
        // The whole build is asked for now and then, its news ten times a second.
        let mut span = spans::client("GET").quiet(self.known.is_some()).start();
        span.set(http::REQUEST_METHOD, "GET");
        span.set(http::URL_FULL, &url);
        if let Some((address, port)) = builder.address.rsplit_once(':') {
            span.set(rpc::SERVER_ADDRESS, address);
            span.set(rpc::SERVER_PORT, port.parse().unwrap_or(0));
        }
        let mut request = self.http.get(url).timeout(TIMEOUT);
        if let Some(context) = span.context() {
            request = request.header(TRACEPARENT, context.to_header().as_str());
        }
        let answered = async {
            let answer = request.send().await?;
            span.set(http::RESPONSE_STATUS_CODE, i64::from(answer.status().as_u16()));
            answer.error_for_status()?.json().await
        };
        let answered = answered.await;
        if let Err(error) = &answered {
            let class = if error.is_timeout() { "timeout" } else { "http" };
            span.fail(class, error);
        }
        Ok(answered?)
    }

    fn take(&mut self, excerpt: Excerpt, window: usize) {
        let Excerpt { build, orders, position, complete } = excerpt;
        if self.known.is_none_or(|(known, _)| known != build) {
            self.next = Some(Model::new(window));
        }
        self.known = Some((build, position));
        match self.next.take() {
            None => self.memory.learn(orders.iter().map(|order| (order.order_id, &order.skus))),
            Some(mut next) => {
                for order in &orders {
                    next.learn(order.order_id, &order.skus);
                }
                if complete {
                    self.memory.replace(next, None);
                    self.part.ready();
                } else {
                    self.next = Some(next);
                }
            }
        }
    }
}

/// 50 ms, doubled with every failure up to 1 s, with jitter over the upper half.
fn pause(failures: u32) -> Duration {
    let ceiling = (PAUSE / 2 * (1 << failures.min(5))).min(LONGEST);
    rand::rng().random_range(ceiling / 2..=ceiling)
}
