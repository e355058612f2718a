//! Takes orders and owns their life.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::run::<order::app::Program>()
}
