//! The command as a person runs it: real programs, real servers, folders and ports of their own.

mod arguments;
mod control;
mod installation;
mod shop;
mod whole;
