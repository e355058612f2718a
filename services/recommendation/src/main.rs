//! Learns what is bought together.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::run::<recommendation::app::Program>()
}
