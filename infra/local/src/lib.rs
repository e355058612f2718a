#![doc = include_str!("../README.md")]

mod account;
mod folder;
pub mod home;
pub mod install;
pub mod ports;
pub mod process;
mod secrets;
pub mod servers;
pub mod shop;
pub mod testing;
mod units;
