#![doc = include_str!("../../README.md")]

mod engines;
mod licence;
mod metadata;
mod metrics;
mod outside;
mod own_crates;
