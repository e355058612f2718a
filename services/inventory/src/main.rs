//! Owns products and stock; reserves, releases, never sells what is not there.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::run::<inventory::app::Program>()
}
