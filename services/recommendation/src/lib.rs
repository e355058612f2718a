//! Learns what is bought together.
