//! The process that keeps the shop up: in the foreground of a terminal, or detached from it.

mod calls;
pub(crate) mod detached;
pub(crate) mod lock;
mod signals;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use local::shop::{Observer, Shop, StartError, Step};
use tokio::sync::mpsc;

pub(crate) use self::signals::Signals;
use self::{
    calls::Desk,
    lock::{Holder, Lock},
};
use crate::{
    control::{Call, Listener, Overview, Reply},
    options::ShopOptions,
};

/// What a supervisor tells whoever started it.
#[derive(Debug)]
pub(crate) enum News {
    /// Something was started or stopped.
    Step(Step),
    /// Everything is up.
    Up(Box<Overview>),
}

/// The shop did not come up, or could not be looked after.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SupervisorError {
    /// The data folder can't be used.
    #[error("the data folder {} can't be used: {source}. Name another with --data-dir.", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another supervisor has it.
    #[error(
        "a shop already runs on {} (process {pid}). `./plumbline status` shows it, `./plumbline down` stops it; a second one \
         needs its own --data-dir and --port-offset.", .folder.display()
    )]
    AlreadyUp {
        /// The data folder.
        folder: PathBuf,
        /// The other supervisor.
        pid: u32,
    },
    /// Something of the shop did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It was told to stop before it was up.
    #[error("stopped before the shop was up; nothing is left running")]
    Interrupted,
}

/// Starts the shop, looks after it, and returns when it was told to stop and nothing of it is left.
pub(crate) async fn run(
    data_dir: &Path,
    options: &ShopOptions,
    tell: impl Fn(News) + Send + Sync + 'static,
) -> Result<(), SupervisorError> {
    let failed = |source| SupervisorError::Folder { folder: data_dir.to_owned(), source };
    fs::create_dir_all(crate::home::logs(data_dir)).map_err(failed)?;
    let begin = Instant::now();
    let _lock = Lock::take(data_dir).map_err(failed)?.map_err(|holder| already_up(data_dir, holder))?;
    let mut signals = Signals::listen().map_err(failed)?;
    let tell = Arc::new(tell);
    let observer: Observer = {
        let tell = Arc::clone(&tell);
        Arc::new(move |step| tell(News::Step(step)))
    };
    let shop = tokio::select! {
        shop = Shop::start(options.config(data_dir), Arc::clone(&observer)) => shop?,
        () = signals.stop() => return Err(SupervisorError::Interrupted),
    };
    let listener = Listener::bind(data_dir).map_err(failed)?;
    let desk = Arc::new(Desk::new(shop, begin.elapsed()));
    tell(News::Up(Box::new(desk.overview().await)));
    let caller = tokio::select! {
        caller = Desk::serve(&desk, &listener) => caller,
        () = signals.stop() => None,
    };
    if let Some(shop) = Arc::into_inner(desk).map(|desk| desk.shop) {
        tokio::select! {
            () = stop_telling(shop, caller, observer) => {}
            // Asked twice: all that still runs is killed when this process ends.
            () = signals.stop() => {}
        }
    }
    Ok(())
}

fn already_up(folder: &Path, holder: Holder) -> SupervisorError {
    let pid = if let Holder::Process(pid) = holder { pid } else { 0 };
    SupervisorError::AlreadyUp { folder: folder.to_owned(), pid }
}

/// Stops the shop; its steps are told to the caller that asked for it, if one did, else to whoever started it.
async fn stop_telling(shop: Shop, caller: Option<Call>, observer: Observer) {
    let Some(mut caller) = caller else { return shop.stop(observer).await };
    let (steps, mut stopped) = mpsc::unbounded_channel();
    let observer: Observer = Arc::new(move |step| drop(steps.send(step)));
    let forward = async {
        while let Some(step) = stopped.recv().await {
            // A caller that has gone misses the rest.
            let _ = caller.reply(&Reply::Progress(step)).await;
        }
        let _ = caller.reply(&Reply::Done).await;
    };
    tokio::join!(shop.stop(observer), forward);
}
