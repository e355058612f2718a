//! Learns what is bought together.

fn main() {}
