//! The trace store.

use std::{io::IsTerminal as _, process::ExitCode};

use traces::{
    app,
    config::{Command, Config},
};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    match Command::read(std::env::args().skip(1), |name| std::env::var(name).ok()) {
        Ok(Command::Print(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Command::Serve(config)) => serve(*config),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn serve(config: Config) -> ExitCode {
    // Its output is one line with addresses; everything else goes beside it.
    let is_terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(&config.log));
    log.with_writer(std::io::stderr).with_ansi(is_terminal).init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "cannot start the runtime");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(app::run(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "cannot run");
            ExitCode::FAILURE
        }
    }
}
