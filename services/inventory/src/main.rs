//! Owns products and stock; reserves, releases, never sells what is not there.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: service::Allocator = service::Allocator;

fn main() -> ExitCode {
    service::run::<inventory::app::Program>()
}
