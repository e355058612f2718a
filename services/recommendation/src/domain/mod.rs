//! What is bought together: a window of recent orders, and counting over it. Without I/O.

mod lines;
mod model;
mod products;

pub use model::{Learning, Learnt, Model};

#[cfg(test)]
mod tests;
