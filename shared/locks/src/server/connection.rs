//! The connection to a server's process.

use std::{sync::Arc, time::Duration};

use ::redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError, aio::MultiplexedConnection};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{ServerError, scripts::Call};

/// One connection, which all commands of this process share, made when it is needed.
///
/// A connection ends with the process it leads to, so the `run_id` that was read on it is that of whoever answers on it.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Open>,
    /// When the last attempt to open one ended without an answer.
    silent: Option<Instant>,
}

#[derive(Debug, Clone)]
struct Open {
    connection: MultiplexedConnection,
    run: Arc<str>,
    number: u64,
}

/// The process that a connection leads to.
#[derive(Debug, Clone)]
pub(super) struct Run(Open);

impl std::ops::Deref for Run {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0.run
    }
}

impl Connection {
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        Self { client, patience, state: Mutex::default() }
    }

    /// The process that answers at present.
    pub(super) async fn run_id(&self) -> Result<Run, ServerError> {
        Ok(Run(self.open().await?))
    }

    /// Runs a script.
    pub(super) async fn run<T: FromRedisValue>(&self, call: &Call<'_>) -> Result<T, ServerError> {
        self.run_on(&self.run_id().await?, call).await
    }

    /// Runs a script on this process, and on no other.
    pub(super) async fn run_on<T: FromRedisValue>(&self, run: &Run, call: &Call<'_>) -> Result<T, ServerError> {
        let mut connection = run.0.connection.clone();
        let mut invocation = call.script.prepare_invoke();
        for key in &call.keys {
            invocation.key(key);
        }
        for argument in &call.arguments {
            invocation.arg(argument);
        }
        self.answer(run, invocation.invoke_async(&mut connection)).await
    }

    /// Asks several things at once.
    pub(super) async fn ask<T: FromRedisValue>(&self, what: &Pipeline) -> Result<T, ServerError> {
        let run = self.run_id().await?;
        let mut connection = run.0.connection.clone();
        self.answer(&run, what.query_async(&mut connection)).await
    }

    async fn answer<T>(&self, run: &Run, asked: impl Future<Output = Result<T, RedisError>>) -> Result<T, ServerError> {
        match timeout(self.patience, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                if is_broken(&error) {
                    self.close(run.0.number).await;
                }
                Err(error.into())
            }
            Err(_) => {
                self.close(run.0.number).await;
                Err(ServerError::TimedOut(self.patience))
            }
        }
    }

    async fn open(&self) -> Result<Open, ServerError> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(open) = &state.open {
            return Ok(open.clone());
        }
        // Else everybody would wait for the attempts of all before them, each as long as a command may take.
        if state.silent.is_some_and(|silent| silent >= asked) {
            return Err(ServerError::TimedOut(self.patience));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience));
        let opened = async {
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            let info: String = ::redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
            Ok::<_, RedisError>((connection, info))
        };
        let opened = match timeout(self.patience, opened).await {
            Ok(opened) => opened.map_err(ServerError::from),
            Err(_) => Err(ServerError::TimedOut(self.patience)),
        };
        if opened.as_ref().is_err_and(ServerError::is_silence) {
            state.silent = Some(Instant::now());
        }
        let (connection, info) = opened?;
        let run = info.lines().find_map(|line| line.strip_prefix("run_id:"));
        let run = run.ok_or_else(|| ServerError::Answer("no run_id".to_owned()))?.trim().into();
        let fresh = Open { connection, run, number: rand::random() };
        Ok(state.open.insert(fresh).clone())
    }

    /// Forgets a connection that broke.
    async fn close(&self, number: u64) {
        let mut state = self.state.lock().await;
        if state.open.as_ref().is_some_and(|open| open.number == number) {
            state.open = None;
        }
    }
}

/// Whether what comes next is better sent on another connection.
fn is_broken(error: &RedisError) -> bool {
    // A replica refuses to be written to: whoever is the master now may stand behind the same address.
    error.is_io_error() || error.is_connection_dropped() || error.is_timeout() || error.code() == Some("READONLY")
}
