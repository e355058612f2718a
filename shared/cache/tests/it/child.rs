//! What another process of the operating system does.

use local::testing::child::role;

use crate::{filling, telling};

/// What another process does; in this one there is nothing to do.
#[test]
fn child() {
    let Some(role) = role() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let words: Vec<&str> = role.split(' ').collect();
    match words.as_slice() {
        ["loading", address] => filling::load_for_ever(&runtime, address),
        ["telling", address] => telling::read_and_tell(&runtime, address),
        other => panic!("{other:?} is no role"),
    }
}
