//! Products as small numbers, as long as a basket in the window holds them.

use std::collections::{HashMap, VecDeque};

use contracts::Sku;

/// How many of a product's baskets are counted over: its newest. What thousands of orders say of a popular product,
/// more of them hardly change; and this bounds the time of an answer.
pub(super) const MOST_BASKETS: usize = 4_096;

/// Numbers for products, and each product's baskets. A number is used again when no basket holds its product any more.
#[derive(Debug, Default)]
pub(super) struct Products {
    numbers: HashMap<Sku, u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug, Default)]
struct Slot {
    /// `None` while the number is free.
    sku: Option<Sku>,
    /// How many baskets of the window hold the product.
    held: u32,
    /// The newest of them, the oldest first, by their numbers.
    baskets: VecDeque<u32>,
}

impl Products {
    /// The number of a product, which gets one if it has none; `basket` is its newest.
    pub(super) fn put(&mut self, sku: &Sku, basket: u32) -> u32 {
        let number = match self.numbers.get(sku) {
            Some(number) => *number,
            None => self.add(sku.clone()),
        };
        let slot = &mut self.slots[number as usize];
        slot.held += 1;
        if slot.baskets.len() == MOST_BASKETS {
            slot.baskets.pop_front();
        }
        slot.baskets.push_back(basket);
        number
    }

    fn add(&mut self, sku: Sku) -> u32 {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        self.slots[number as usize].sku = Some(sku.clone());
        self.numbers.insert(sku, number);
        number
    }

    /// Takes a product out of `basket`, the oldest of the window.
    pub(super) fn take(&mut self, number: u32, basket: u32) {
        let slot = &mut self.slots[number as usize];
        slot.held -= 1;
        if slot.baskets.front() == Some(&basket) {
            slot.baskets.pop_front();
        }
        if slot.held == 0
            && let Some(sku) = std::mem::take(slot).sku
        {
            self.numbers.remove(&sku);
            self.free.push(number);
        }
    }

    /// The number of a product that a basket of the window holds.
    pub(super) fn number(&self, sku: &Sku) -> Option<u32> {
        self.numbers.get(sku).copied()
    }

    /// The baskets of a product that are counted over.
    pub(super) fn baskets(&self, number: u32) -> &VecDeque<u32> {
        &self.slots[number as usize].baskets
    }

    /// The product of a number.
    pub(super) fn sku(&self, number: u32) -> Option<&Sku> {
        self.slots[number as usize].sku.as_ref()
    }

    /// One more than the largest number.
    pub(super) fn bound(&self) -> usize {
        self.slots.len()
    }

    /// How many products there are.
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }
}
