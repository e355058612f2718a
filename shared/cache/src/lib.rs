#![doc = include_str!("../README.md")]

mod stamp;

pub use self::stamp::{Stamp, now};
