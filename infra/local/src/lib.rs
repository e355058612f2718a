#![doc = include_str!("../README.md")]

mod account;
pub mod coordinators;
mod folder;
pub mod home;
mod http;
pub mod install;
pub mod ports;
pub mod process;
mod readiness;
mod secrets;
pub mod servers;
pub mod shop;
pub mod testing;
pub mod traces;
mod units;
