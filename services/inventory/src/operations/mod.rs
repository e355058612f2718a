//! What callers can have done: one file an operation, each with its own error. None of them knows of HTTP.

pub mod adjust;
pub mod confirm_reservation;
pub mod list_products;
pub mod list_stock;
pub mod put_product;
pub mod read_product;
pub mod read_reservation;
pub mod read_stock;
pub mod release_reservation;
pub mod reserve;
