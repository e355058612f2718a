//! What stock is and what may become of it: types and rules, without I/O.

mod adjustment;
mod decide;
mod direct;
mod level;
mod merged;
mod order_event;
mod product;
mod text;
mod whole;

pub use adjustment::{Claim, Fingerprint, NewAdjustment};
pub use decide::{Decided, Found, NewReservation, Outcome, Standing, decide};
pub use direct::{Answer, DirectReservation, Stood, answers};
pub use level::{Level, Refused};
pub use order_event::OrderEvent;
pub use product::NewProduct;
