#![doc = include_str!("../README.md")]

pub mod catalogue;
pub mod consistency;
mod identifiers;
mod lines;
mod money;
pub mod order;
pub mod page;
pub mod problem;
pub mod recommendation;
pub mod stock;
mod time;
pub mod topics;

pub mod event;

pub use identifiers::{CustomerId, InvalidCustomerId, InvalidSku, OrderId, Sku};
pub use lines::{InvalidQuantity, Lacking, OrderLine, Quantity, StockLine};
pub use money::{Currency, InvalidCurrency, Money};
pub use time::Timestamp;
