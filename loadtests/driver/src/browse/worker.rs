//! One connection at work.

use std::{cell::RefCell, rc::Rc};

use contracts::{OrderId, Sku};
use hyper::header::HeaderValue;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::{Browse, Source, Tally};
use crate::{
    engine::{Clock, key},
    http::{Call, Connection, Retry, encoded, exchange, path},
    stock,
};

/// The reason of every adjustment.
const REASON: &str = "browse";

pub(super) struct Worker {
    browse: Rc<Browse>,
    random: SmallRng,
    connection: Connection,
    session: Option<HeaderValue>,
    clock: Clock,
    source: Rc<Source>,
    tally: Rc<RefCell<Tally>>,
}

impl Worker {
    pub(super) fn new(
        number: usize,
        browse: Rc<Browse>,
        clock: Clock,
        source: Rc<Source>,
        tally: Rc<RefCell<Tally>>,
    ) -> Self {
        let random = SmallRng::seed_from_u64(browse.seed.wrapping_mul(0x9E37_79B9).wrapping_add(number as u64));
        let connection = Connection::new(browse.inventory.clone(), number);
        Self { browse, random, connection, session: None, clock, source, tally }
    }

    /// Works until there is no more to send.
    pub(super) async fn work(mut self) {
        while let Some(due) = self.source.next().await {
            let sku = self.browse.popularity.draw(&mut self.random).clone();
            let writes = self.random.random_bool(self.browse.write_share);
            let call = if writes { self.adjustment(&sku) } else { self.look(&sku) };
            self.tally.borrow_mut().sent(self.clock.elapsed().saturating_sub(due));
            let sent = exchange(&mut self.connection, &call, &Retry::ONCE, self.clock.instant(due), |_| {}).await;
            let took = self.clock.elapsed().saturating_sub(due);
            if let Some(token) = self.tally.borrow_mut().ended(&sent, writes, took, self.clock.elapsed()) {
                self.session = Some(token);
            }
        }
    }

    fn look(&mut self, sku: &Sku) -> Call {
        let product = || Call::get(path(format!("/products/{}", encoded(sku.as_str()))));
        let call = if self.random.random_bool(0.5) { product() } else { stock::look(sku) };
        stock::in_session(stock::at_level(call, self.browse.level), self.session.as_ref())
    }

    fn adjustment(&self, sku: &Sku) -> Call {
        let once = key(format!("{REASON}-{}", OrderId::generate()));
        stock::in_session(stock::adjust(sku, 1, REASON, once, &self.browse.token), self.session.as_ref())
    }
}
