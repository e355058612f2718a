#![doc = include_str!("../../README.md")]

mod engines;
mod licence;
mod metadata;
mod outside;
mod own_crates;
