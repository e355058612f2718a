//! The lasting connection to one other member: opened, used, and opened again.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use consensus::eraft::Codec as _;
use consensus::eraft::Message;
use prost::Message as _;
use rand::Rng as _;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior},
};

use super::{
    Peers, Question,
    exchange::{Connection, ExchangeError, PATIENCE},
    frame::Kind,
    preamble::{Preamble, Purpose, Verdict},
    questions::{Request, Response, Told},
    stream,
};
use crate::engine::Input;

/// The first pause before a member is called again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(500));
/// How often a sign of life is asked for.
const PING: Duration = Duration::from_secs(1);
/// Messages taken together into one write, and the bytes that end it earlier.
const TOGETHER: (usize, usize) = (256, 1 << 20);

/// Runs until the member is let go.
pub(super) async fn run(
    peers: Arc<Peers>,
    id: u64,
    urls: Vec<String>,
    messages: mpsc::Receiver<Message>,
    questions: mpsc::Receiver<Question>,
) {
    let mut link = Link { peers, id, messages, questions, asked: HashMap::new(), number: 0 };
    let (mut pause, mut tries, mut told) = (PAUSES.0, 0, false);
    loop {
        let url = urls.get(tries % urls.len().max(1)).map_or("", String::as_str);
        tries += 1;
        let reason = match link.open(url).await {
            Ok(connection) => {
                (pause, told) = (PAUSES.0, false);
                match link.use_up(connection).await {
                    Ok(()) => return,
                    Err(reason) => reason,
                }
            }
            Err(reason) => reason,
        };
        link.report(url, &reason, &mut told);
        let jitter = rand::rng().random_range(0.5..1.0);
        if link.rest(pause.mul_f64(jitter)).await.is_none() {
            return;
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

struct Link {
    peers: Arc<Peers>,
    id: u64,
    messages: mpsc::Receiver<Message>,
    questions: mpsc::Receiver<Question>,
    /// Questions without an answer yet, by number.
    asked: HashMap<u64, oneshot::Sender<Told>>,
    number: u64,
}

impl Link {
    async fn open(&self, url: &str) -> Result<Connection, ExchangeError> {
        let stream = stream::connect(url, self.peers.tls.as_ref()).await?;
        let Peers { cluster_id, own, .. } = *self.peers;
        let preamble = Preamble { purpose: Purpose::Messages, cluster_id, from: own, to: self.id };
        Connection::open(stream, &preamble).await
    }

    /// Uses a connection until it breaks. Ok when the member is let go.
    async fn use_up(&mut self, mut connection: Connection) -> Result<(), ExchangeError> {
        tracing::info!(peer = %format_args!("{:x}", self.id), "peer became active");
        self.peers.set_connected(self.id, true);
        self.peers.inputs.send(Input::Connected(self.id)).ok();
        let ended = self.exchange(&mut connection).await;
        self.peers.set_connected(self.id, false);
        // Whoever asked finds that there is no answer.
        self.asked.clear();
        ended
    }

    async fn exchange(&mut self, connection: &mut Connection) -> Result<(), ExchangeError> {
        let mut pings = tokio::time::interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                count = self.messages.recv_many(&mut batch, TOGETHER.0) => {
                    if count == 0 {
                        return Ok(());
                    }
                    send(connection, &mut batch).await?;
                }
                question = self.questions.recv() => {
                    let Some(question) = question else { return Ok(()) };
                    self.ask(connection, question);
                    connection.flush().await?;
                }
                received = connection.receive() => {
                    received?;
                    heard = Instant::now();
                    while let Some((kind, body)) = connection.take()? {
                        self.hear(kind, body)?;
                    }
                }
                _ = pings.tick() => {
                    if heard.elapsed() > PATIENCE {
                        return Err(ExchangeError::Silent);
                    }
                    self.asked.retain(|_, asker| !asker.is_closed());
                    connection.put(Kind::Ping, |_| {});
                    connection.flush().await?;
                }
            }
        }
    }

    fn ask(&mut self, connection: &mut Connection, (asked, asker): Question) {
        self.number += 1;
        self.asked.insert(self.number, asker);
        let request = Request { number: self.number, asked: Some(asked) };
        connection.put(Kind::Request, |buffer| request.encode_raw(buffer));
    }

    fn hear(&mut self, kind: Kind, body: Bytes) -> Result<(), ExchangeError> {
        match kind {
            Kind::Ping => Ok(()),
            Kind::Response => {
                let response = Response::decode(body).map_err(|_| ExchangeError::Undecodable("an answer"))?;
                if let (Some(asker), Some(told)) = (self.asked.remove(&response.number), response.told) {
                    // Whoever asked may have gone.
                    asker.send(told).ok();
                }
                Ok(())
            }
            _ => Err(ExchangeError::OutOfPlace),
        }
    }

    /// Says why there is no connection: loudly once, until there is one again.
    fn report(&self, url: &str, reason: &ExchangeError, told: &mut bool) {
        let peer = format_args!("{:x}", self.id);
        if std::mem::replace(told, true) {
            tracing::debug!(%peer, url, %reason, "a peer is still out of reach");
        } else {
            tracing::warn!(%peer, url, %reason, "lost or found no connection to a peer");
        }
        if let ExchangeError::Refused(Verdict::Removed) = reason {
            self.peers.inputs.send(Input::Removed).ok();
        }
        self.peers.inputs.send(Input::Unreachable(self.id)).ok();
    }

    /// Lets time pass; what should be sent meanwhile is lost. `None` when the member is let go.
    async fn rest(&mut self, pause: Duration) -> Option<()> {
        let deadline = Instant::now() + pause;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => break,
                message = self.messages.recv() => drop(message?),
                question = self.questions.recv() => drop(question?),
            }
        }
        // So that the first messages of a new connection are no old ones.
        while self.messages.try_recv().is_ok() {}
        Some(())
    }
}

async fn send(connection: &mut Connection, batch: &mut Vec<Message>) -> Result<(), ExchangeError> {
    for message in batch.drain(..) {
        connection.put(Kind::Raft, |buffer| message.encode_raw(buffer));
        if connection.unsent() >= TOGETHER.1 {
            connection.flush().await?;
        }
    }
    connection.flush().await
}
