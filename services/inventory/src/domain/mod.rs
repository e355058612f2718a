//! What stock is and what may become of it: types and rules, without I/O.

mod adjustment;
mod decide;
mod level;
mod order_event;
mod product;
mod text;
mod whole;

pub use adjustment::{Claim, Fingerprint, NewAdjustment};
pub use decide::{Decided, Found, NewReservation, Outcome, Standing, decide};
pub use level::{Level, Refused};
pub use order_event::OrderEvent;
pub use product::NewProduct;
