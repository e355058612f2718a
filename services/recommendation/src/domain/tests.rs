use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use contracts::{OrderId, Sku};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    model::{Learnt, Model},
    products::MOST_BASKETS,
};

fn sku(number: usize) -> Sku {
    format!("S{number}").as_str().try_into().unwrap()
}

fn skus(numbers: &[usize]) -> Vec<Sku> {
    numbers.iter().copied().map(sku).collect()
}

fn order(number: usize) -> OrderId {
    Uuid::from_u128(number as u128).into()
}

fn learn(model: &mut Model, number: usize, products: &[usize]) -> Learnt {
    model.learn(order(number), &skus(products))
}

fn recommend(model: &Model, asked: &[usize], limit: usize) -> Vec<(String, u64)> {
    let recommended = model.recommend(&skus(asked), limit);
    recommended.into_iter().map(|found| (found.sku.to_string(), found.together)).collect()
}

fn counted(counts: &[(usize, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(number, count)| (sku(*number).to_string(), *count)).collect()
}

#[test]
fn counts_orders_and_sums_over_those_asked_for() {
    let mut model = Model::new(10);
    learn(&mut model, 1, &[1, 2, 3]);
    learn(&mut model, 2, &[1, 3]);
    learn(&mut model, 3, &[2, 3, 4]);
    learn(&mut model, 4, &[9]);
    assert_eq!(recommend(&model, &[1], 10), counted(&[(3, 2), (2, 1)]));
    assert_eq!(recommend(&model, &[1, 2, 1], 10), counted(&[(3, 4), (4, 1)]));
    assert_eq!(recommend(&model, &[1, 2], 1), counted(&[(3, 4)]));
    assert_eq!(recommend(&model, &[9], 10), []);
    assert_eq!(recommend(&model, &[7], 10), []);
    assert_eq!((model.orders(), model.products()), (4, 4));
}

#[test]
fn an_order_counts_once() {
    let mut model = Model::new(10);
    assert_eq!(learn(&mut model, 1, &[1, 2, 2, 1]), Learnt::New);
    assert_eq!(learn(&mut model, 1, &[1, 2]), Learnt::Repeated);
    assert_eq!(recommend(&model, &[1], 10), counted(&[(2, 1)]));
}

#[test]
fn what_is_forgotten_leaves_nothing_behind() {
    let mut model = Model::new(3);
    for number in 0..1_000 {
        learn(&mut model, number, &[number, number + 1, number + 2]);
    }
    assert_eq!((model.orders(), model.products(), model.lines()), (3, 5, 9));
    assert_eq!(recommend(&model, &[0], 10), []);
    // What was forgotten may be learnt again.
    assert_eq!(learn(&mut model, 1, &[1, 2]), Learnt::New);
}

#[test]
fn a_popular_product_is_counted_over_its_newest_orders() {
    let mut model = Model::new(100_000);
    for number in 0..MOST_BASKETS + 10 {
        learn(&mut model, number, &[1, if number < 10 { 2 } else { 3 }]);
    }
    assert_eq!(recommend(&model, &[1], 10), counted(&[(3, MOST_BASKETS as u64)]));
    assert_eq!(recommend(&model, &[2], 10), counted(&[(1, 10)]));
}

#[test]
fn orders_of_very_many_lines_shorten_the_window_rather_than_fill_the_memory() {
    let mut model = Model::new(100);
    let huge: Vec<usize> = (0..1_000).collect();
    for number in 0..50 {
        learn(&mut model, number, &huge);
    }
    assert_eq!((model.orders(), model.lines()), (3, 3_000));
    assert_eq!(recommend(&model, &[5], 1), counted(&[(0, 3)]));
}

/// The definition, without any cleverness.
fn recount(window: &[(usize, BTreeSet<usize>)], asked: &BTreeSet<usize>, limit: usize) -> Vec<(String, u64)> {
    let mut together: BTreeMap<Sku, u64> = BTreeMap::new();
    for product in asked {
        for (_, basket) in window.iter().filter(|(_, basket)| basket.contains(product)) {
            for other in basket.difference(asked) {
                *together.entry(sku(*other)).or_default() += 1;
            }
        }
    }
    let mut best: Vec<(Sku, u64)> = together.into_iter().collect();
    best.sort_by(|(one, n), (other, m)| m.cmp(n).then_with(|| one.cmp(other)));
    best.into_iter().take(limit).map(|(sku, count)| (sku.to_string(), count)).collect()
}

proptest! {
    #[test]
    fn equals_a_recount_over_the_window(
        window in 1usize..20,
        told in prop::collection::vec((0usize..40, prop::collection::vec(0usize..12, 0..8)), 0..120),
        asked in prop::collection::btree_set(0usize..14, 1..5),
        limit in 1usize..8,
    ) {
        let mut model = Model::new(window);
        let mut expected: Vec<(usize, BTreeSet<usize>)> = Vec::new();
        for (number, products) in told {
            let repeated = expected.iter().any(|(known, _)| *known == number);
            let learnt = learn(&mut model, number, &products);
            prop_assert_eq!(learnt == Learnt::Repeated, repeated);
            if !repeated {
                expected.push((number, products.into_iter().collect()));
                expected.drain(..expected.len().saturating_sub(window));
            }
            let numbers: Vec<usize> = asked.iter().copied().collect();
            prop_assert_eq!(recommend(&model, &numbers, limit), recount(&expected, &asked, limit));
            prop_assert_eq!(model.orders(), expected.len());
        }
        let products: BTreeSet<_> = expected.iter().filter(|(_, basket)| basket.len() > 1).flat_map(|(_, b)| b).collect();
        prop_assert_eq!(model.products(), products.len());
    }
}

/// Says what 100,000 orders and an answer take, with 1 to 5 lines an order and with 1 to 49, out of 3,000 products of
/// which some are far more popular than others. Alone and with `--nocapture` its figures mean something.
#[test]
fn says_what_an_answer_takes() {
    let mut random = 17u64;
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    for most_lines in [5, 49] {
        let before = resident_kilobytes();
        let mut model = Model::new(100_000);
        let mut spent = Duration::ZERO;
        for number in 0..100_000 {
            let lines = 1 + below(most_lines);
            let wanted = skus(&(0..lines).map(|_| (below(3_000) * below(3_000) / 3_000) as usize).collect::<Vec<_>>());
            let began = Instant::now();
            model.learn(order(number), &wanted);
            spent += began.elapsed();
        }
        let grown = resident_kilobytes().saturating_sub(before);
        println!("{} orders, {} lines: {grown} kB, {:?} an order", model.orders(), model.lines(), spent / 100_000);
        for (whom, asked) in [("1 popular", vec![0]), ("10 popular", (0..10).collect()), ("1 other", vec![1_500])] {
            let asked = skus(&asked);
            let began = Instant::now();
            let found = (0..20).map(|_| model.recommend(&asked, 10).len()).sum::<usize>();
            println!("    {whom} asked for: {:?} an answer", began.elapsed() / 20);
            assert_eq!(found, 200);
        }
    }
}

fn resident_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
