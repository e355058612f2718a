//! The model: recent orders, and for each product the orders it stands in.

use std::{
    cmp::Reverse,
    collections::{HashSet, VecDeque},
};

use contracts::{OrderId, Sku, recommendation::Recommendation};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{lines::Lines, products::Products};

/// How many lines the window holds for each of its orders, at most and on average: a gift wholesaler's orders have 25.
const LINES_AN_ORDER: usize = 32;

/// What became of an order that was to be learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learnt {
    /// It stands in the window.
    New,
    /// It stood there already.
    Repeated,
}

/// An order as a model holds it: no products, where it was of one alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Learning {
    /// The order.
    pub order_id: OrderId,
    /// What was bought together in it.
    pub skus: Vec<Sku>,
}

/// A window of recent orders. What it answers depends on the orders in it alone.
///
/// Learning an order costs its lines; an answer costs the lines of the newest 4,096 orders of each product asked for.
/// There is no table of pairs, which one order of a thousand lines would fill with half a million.
#[derive(Debug)]
pub struct Model {
    window: usize,
    baskets: VecDeque<Basket>,
    /// How many orders were ever learnt.
    learnt: u64,
    /// The number of the oldest basket; numbers wrap.
    first: u32,
    known: HashSet<OrderId>,
    lines: Lines,
    products: Products,
}

#[derive(Debug)]
struct Basket {
    order: OrderId,
    place: u32,
    count: u16,
}

impl Model {
    /// A model of the newest `window` orders, of fewer when they have more than 32 lines on average.
    pub fn new(window: usize) -> Self {
        Self {
            window: window.max(1),
            baskets: VecDeque::new(),
            learnt: 0,
            first: 0,
            known: HashSet::new(),
            lines: Lines::default(),
            products: Products::default(),
        }
    }

    /// Learns what was bought together in an order, and forgets the oldest for it. An order that is in the window is
    /// not learnt again.
    pub fn learn<'a>(&mut self, order: OrderId, skus: impl IntoIterator<Item = &'a Sku>) -> Learnt {
        if !self.known.insert(order) {
            return Learnt::Repeated;
        }
        let mut skus: Vec<&Sku> = skus.into_iter().take(usize::from(u16::MAX)).collect();
        skus.sort_unstable();
        skus.dedup();
        // One product alone was bought together with nothing. The order still counts, and is still known.
        if skus.len() < 2 {
            skus.clear();
        }
        let number = self.first.wrapping_add(self.baskets.len() as u32);
        self.learnt += 1;
        self.baskets.push_back(Basket { order, place: self.lines.end(), count: skus.len() as u16 });
        for sku in skus {
            let product = self.products.put(sku, number);
            self.lines.put(product);
        }
        while self.baskets.len() > self.window
            || (self.lines.len() > self.window * LINES_AN_ORDER && self.baskets.len() > 1)
        {
            self.forget_oldest();
        }
        Learnt::New
    }

    fn forget_oldest(&mut self) {
        let Some(basket) = self.baskets.pop_front() else { return };
        self.known.remove(&basket.order);
        for product in (0..basket.count).map_while(|_| self.lines.take()) {
            self.products.take(product, self.first);
        }
        self.first = self.first.wrapping_add(1);
    }

    /// Up to `limit` products that were bought together with those asked for, the most often first, those equally often
    /// by SKU. Those asked for are not among them.
    pub fn recommend(&self, asked: &[Sku], limit: usize) -> Vec<Recommendation> {
        let asked: HashSet<u32> = asked.iter().filter_map(|sku| self.products.number(sku)).collect();
        let mut together = vec![0u32; self.products.bound()];
        for product in &asked {
            for basket in self.products.baskets(*product) {
                let basket = &self.baskets[basket.wrapping_sub(self.first) as usize];
                for other in self.lines.at(basket.place, basket.count) {
                    together[other as usize] += 1;
                }
            }
        }
        let counted = together.iter().enumerate().map(|(product, count)| (product as u32, *count));
        let counted = counted.filter(|(product, count)| *count > 0 && !asked.contains(product));
        let mut best: Vec<(Reverse<u32>, &Sku)> =
            counted.filter_map(|(product, count)| Some((Reverse(count), self.products.sku(product)?))).collect();
        if limit < best.len() {
            best.select_nth_unstable(limit);
            best.truncate(limit);
        }
        best.sort_unstable();
        let recommend = |(Reverse(count), sku): (Reverse<u32>, &Sku)| Recommendation {
            sku: sku.clone(),
            together: u64::from(count),
        };
        best.into_iter().map(recommend).collect()
    }

    /// How many orders were ever learnt: the position behind the newest.
    pub fn end(&self) -> u64 {
        self.learnt
    }

    /// Up to `most` orders from a position on, in order, with their products; and the position behind them. A position that
    /// has left the window stands for its oldest order.
    pub fn from(&self, position: u64, most: usize) -> (Vec<Learning>, u64) {
        let oldest = self.learnt - self.baskets.len() as u64;
        let begin = position.clamp(oldest, self.learnt);
        let baskets = self.baskets.iter().skip((begin - oldest) as usize).take(most);
        let learning = |basket: &Basket| {
            let lines = self.lines.at(basket.place, basket.count);
            Learning {
                order_id: basket.order,
                skus: lines.filter_map(|line| self.products.sku(line).cloned()).collect(),
            }
        };
        let orders: Vec<Learning> = baskets.map(learning).collect();
        let end = begin + orders.len() as u64;
        (orders, end)
    }

    /// How many orders are in the window.
    pub fn orders(&self) -> usize {
        self.baskets.len()
    }

    /// How many products its orders of several products hold.
    pub fn products(&self) -> usize {
        self.products.len()
    }

    /// How many lines those have.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }
}
