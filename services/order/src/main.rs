//! Takes orders and owns their life.

fn main() {}
