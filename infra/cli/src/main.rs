#![doc = include_str!("../README.md")]

mod arguments;
mod borrowed;
mod commands;
mod control;
mod coordinators;
mod endpoints;
mod error;
mod home;
mod options;
mod output;
mod processor;
mod progress;
mod reach;
mod supervisor;
mod table;
mod units;

use std::process::ExitCode;

use clap::Parser;

pub(crate) use self::error::CommandError;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = arguments::Arguments::parse();
    match arguments.run().await {
        Ok(code) => code,
        // `./plumbline logs | head`: nobody reads on, and that is no fault.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}
