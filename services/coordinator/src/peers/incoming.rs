//! What other members send here.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use consensus::eraft::Codec as _;
use consensus::eraft::{Message, MessageType};
use prost::Message as _;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};

use super::{
    exchange::{Connection, ExchangeError, PATIENCE},
    frame::Kind,
    preamble::{self, Preamble, PreambleError, Purpose, Verdict},
    questions::{Asked, LeaseTold, MembersTold, Refused, Request, Response, Told},
    snapshot,
    stream::{self, Tls},
};
use crate::engine::{Engine, Input, ReadError};

/// How long a connection of another member may be silent: it sends a sign of life every second.
const SILENCE: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, for want of file descriptors most likely.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);

/// What incoming connections need.
#[derive(Clone, Debug)]
pub struct Listening {
    /// The engine that gets what they bring.
    pub engine: Engine,
    /// Where snapshots go.
    pub data: std::path::PathBuf,
    /// How connections are secured, if they are.
    pub tls: Option<Tls>,
    /// What a plain `GET /version` is answered.
    pub version: Arc<str>,
}

struct Shared {
    listening: Listening,
    /// One snapshot is received at a time.
    snapshot: Semaphore,
}

/// Serves other members until the engine stops.
pub async fn serve(listener: TcpListener, listening: Listening) {
    let stopping = listening.engine.stopping();
    let shared = Arc::new(Shared { listening, snapshot: Semaphore::new(1) });
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    let shared = Arc::clone(&shared);
                    tokio::spawn(async move {
                        if let Err(reason) = shared.handle(stream).await {
                            tracing::warn!(from = %address, %reason, "closed a connection on the peers' address");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection on the peers' address");
                    tokio::time::sleep(AFTER_REFUSAL).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = stopping => {}
    }
}

impl Shared {
    async fn handle(&self, stream: TcpStream) -> Result<(), ExchangeError> {
        let acceptor = self.listening.tls.as_ref().and_then(Tls::acceptor);
        let accepted = tokio::time::timeout(PATIENCE, stream::accept(stream, acceptor)).await;
        let mut connection = Connection::new(accepted.map_err(|_| ExchangeError::Silent)??);
        let mut first = [0; preamble::LENGTH];
        connection.raw(&mut first[..4]).await?;
        if matches!(&first[..4], b"GET " | b"HEAD" | b"POST" | b"PUT ") {
            return self.answer_http(&mut connection).await;
        }
        connection.raw(&mut first[4..]).await?;
        let preamble = match Preamble::decode(&first) {
            Ok(preamble) => preamble,
            Err(error @ PreambleError::Version(_)) => {
                connection.tell(Verdict::OtherVersion).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let verdict = self.judge(&preamble);
        connection.tell(verdict).await?;
        if verdict != Verdict::Accepted {
            return Err(ExchangeError::Refuses(verdict));
        }
        let ended = match preamble.purpose {
            Purpose::Messages => self.exchange(connection, preamble.from).await,
            Purpose::Snapshot => self.receive_snapshot(connection, preamble.from).await,
            Purpose::Members => self.answer_joining(connection).await,
        };
        match ended {
            // A member that ends, or opens its connection anew, is nothing to warn of.
            Err(ExchangeError::Closed) => Ok(()),
            Err(ExchangeError::Io(error)) if is_loss(&error) => Ok(()),
            ended => ended,
        }
    }

    fn judge(&self, preamble: &Preamble) -> Verdict {
        let identity = self.listening.engine.identity();
        if preamble.purpose == Purpose::Members {
            Verdict::Accepted
        } else if preamble.cluster_id != identity.cluster_id {
            Verdict::OtherCluster
        } else if preamble.to != identity.member_id {
            Verdict::OtherMember
        } else if self.is_removed(preamble.from) {
            Verdict::Removed
        } else {
            Verdict::Accepted
        }
    }

    fn is_removed(&self, id: u64) -> bool {
        self.listening.engine.store().members().is_removed(id)
    }

    async fn exchange(&self, mut connection: Connection, from: u64) -> Result<(), ExchangeError> {
        let engine = &self.listening.engine;
        let mut leadership = engine.leadership();
        let (answers, mut answered) = mpsc::channel::<Response>(64);
        let stopping = engine.stopping();
        tokio::pin!(stopping);
        loop {
            tokio::select! {
                received = tokio::time::timeout(SILENCE, connection.receive()) => {
                    received.map_err(|_| ExchangeError::Silent)??;
                    self.take_frames(&mut connection, from, &answers).await?;
                }
                Some(response) = answered.recv() => {
                    connection.put(Kind::Response, |buffer| response.encode_raw(buffer));
                    connection.flush().await?;
                }
                // Changes of the members are among these.
                Ok(()) = leadership.changed() => {
                    if self.is_removed(from) {
                        return Err(ExchangeError::Refuses(Verdict::Removed));
                    }
                }
                () = &mut stopping => return Ok(()),
            }
        }
    }

    async fn take_frames(
        &self,
        connection: &mut Connection,
        from: u64,
        answers: &mpsc::Sender<Response>,
    ) -> Result<(), ExchangeError> {
        let mut messages = Vec::new();
        let mut pinged = false;
        while let Some((kind, body)) = connection.take()? {
            match kind {
                Kind::Raft => messages.push(self.message(body, from)?),
                Kind::Ping => pinged = true,
                Kind::Request => {
                    let request = Request::decode(body).map_err(|_| ExchangeError::Undecodable("a question"))?;
                    let (engine, answers) = (self.listening.engine.clone(), answers.clone());
                    tokio::spawn(async move {
                        let told = Some(answer(&engine, request.asked).await);
                        // The connection may have ended meanwhile.
                        answers.send(Response { number: request.number, told }).await.ok();
                    });
                }
                _ => return Err(ExchangeError::OutOfPlace),
            }
        }
        if !messages.is_empty() {
            self.listening.engine.inputs().send(Input::Messages(messages)).ok();
        }
        if pinged {
            connection.put(Kind::Ping, |_| {});
            connection.flush().await?;
        }
        Ok(())
    }

    fn message(&self, body: Bytes, from: u64) -> Result<Message, ExchangeError> {
        let message = Message::decode(body).map_err(|_| ExchangeError::Undecodable("a message"))?;
        // Who no longer leads sends on what was asked of it, in the name of who asked.
        let may_be_sent_on = matches!(message.get_msg_type(), MessageType::MsgPropose | MessageType::MsgReadIndex);
        if message.from != from && !may_be_sent_on {
            return Err(ExchangeError::Forged(message.from));
        }
        // A snapshot has a connection of its own.
        if message.to != self.listening.engine.identity().member_id
            || message.get_msg_type() == MessageType::MsgSnapshot
        {
            return Err(ExchangeError::OutOfPlace);
        }
        Ok(message)
    }

    async fn receive_snapshot(&self, mut connection: Connection, from: u64) -> Result<(), ExchangeError> {
        let Ok(_only_one) = self.snapshot.try_acquire() else { return Err(ExchangeError::Busy) };
        let Listening { engine, data, .. } = &self.listening;
        let (message, store) = snapshot::receive(&mut connection, engine, data).await?;
        if message.from != from {
            return Err(ExchangeError::Forged(message.from));
        }
        engine.inputs().send(Input::Snapshot(message, Box::new(store))).ok();
        connection.put(Kind::End, |_| {});
        connection.flush().await
    }

    async fn answer_joining(&self, mut connection: Connection) -> Result<(), ExchangeError> {
        let (Kind::Request, body) = connection.answer().await? else { return Err(ExchangeError::OutOfPlace) };
        let request = Request::decode(body).map_err(|_| ExchangeError::Undecodable("a question"))?;
        let told = match request.asked {
            Some(asked @ Asked::Members(_)) => answer(&self.listening.engine, Some(asked)).await,
            _ => Told::Refused(Refused::NotNow.into()),
        };
        let response = Response { number: request.number, told: Some(told) };
        connection.put(Kind::Response, |buffer| response.encode_raw(buffer));
        connection.flush().await
    }

    /// A person or a probe with an HTTP client: told what is here, as etcd does, and nothing else.
    async fn answer_http(&self, connection: &mut Connection) -> Result<(), ExchangeError> {
        let mut next = [0; 8];
        connection.raw(&mut next).await?;
        let (status, body) = match &next {
            b"/version" => ("200 OK", &*self.listening.version),
            _ => ("404 Not Found", "404 page not found\n"),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        connection.end_with(answer.as_bytes()).await
    }
}

async fn answer(engine: &Engine, asked: Option<Asked>) -> Told {
    let lease = |told: Result<Option<i64>, ReadError>| match told {
        Ok(seconds) => Told::Lease(LeaseTold { found: seconds.is_some(), seconds: seconds.unwrap_or_default() }),
        Err(error) => Told::Refused(Refused::from(error).into()),
    };
    match asked {
        Some(Asked::KeepAlive(id)) => lease(engine.keep_alive_here(id).await),
        Some(Asked::TimeToLive(id)) => lease(engine.time_to_live_here(id).await),
        Some(Asked::Promote(id)) => match engine.promote_here(id).await {
            Ok(Some(members)) => Told::Members(MembersTold { cluster_id: engine.identity().cluster_id, members }),
            Ok(None) => Told::Refused(Refused::NotNow.into()),
            Err(error) => Told::Refused(Refused::from(error).into()),
        },
        Some(Asked::Members(_)) => {
            let members = engine.store().members().iter().cloned().collect();
            Told::Members(MembersTold { cluster_id: engine.identity().cluster_id, members })
        }
        None => Told::Refused(Refused::NotNow.into()),
    }
}

fn is_loss(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}
