//! Takes orders and owns their life.
