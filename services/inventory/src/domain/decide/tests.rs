use std::collections::{BTreeMap, HashSet};

use contracts::Quantity;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use ReservationStatus::{Confirmed, Held, Rejected, Released};

const SKUS: [&str; 4] = ["A", "B", "C", "UNKNOWN"];

fn sku(text: &str) -> Sku {
    text.parse().unwrap()
}

fn order(number: u8) -> OrderId {
    Uuid::from_u128(u128::from(number)).into()
}

fn placed(number: u8, wanted: &[(&str, u32)]) -> OrderEvent {
    let line = |&(text, quantity): &(&str, u32)| StockLine {
        sku: sku(text),
        quantity: Quantity::try_from(i64::from(quantity)).unwrap(),
    };
    OrderEvent::Placed { order_id: order(number), lines: wanted.iter().map(line).collect() }
}

fn confirmed(number: u8) -> OrderEvent {
    OrderEvent::Confirmed(order(number))
}

fn cancelled(number: u8) -> OrderEvent {
    OrderEvent::Cancelled(order(number))
}

fn stock(levels: &[(&str, i64)]) -> Found {
    let level = |&(text, available): &(&str, i64)| (sku(text), Level { available, reserved: 0 });
    Found { stock: levels.iter().map(level).collect(), ..Found::default() }
}

fn levels(decided: &Decided<'_>) -> Vec<(String, i64, i64)> {
    decided.stock.iter().map(|(sku, level)| (sku.to_string(), level.available, level.reserved)).collect()
}

fn statuses(decided: &Decided<'_>) -> Vec<ReservationStatus> {
    decided.reservations.iter().map(|reservation| reservation.status).collect()
}

#[test]
fn an_order_is_reserved_whole_or_rejected_whole() {
    let found = stock(&[("A", 5), ("B", 1)]);
    let events = [placed(1, &[("A", 3), ("B", 2)]), placed(2, &[("A", 3), ("B", 1)])];
    let decided = decide(&events, &found);
    assert_eq!(statuses(&decided), [Rejected, Held]);
    assert_eq!(levels(&decided), [("A".into(), 2, 3), ("B".into(), 0, 1)]);
    let lacking = vec![Lacking { sku: sku("B"), requested: 2i64.try_into().unwrap(), available: 1 }];
    assert_eq!(decided.outcomes, [(0, Outcome::Rejected(lacking.clone())), (1, Outcome::Reserved)]);
    assert_eq!(decided.reservations[0].lacking, Some(lacking));
}

#[test]
fn each_line_that_lacks_is_named_and_an_unknown_sku_has_none() {
    let found = stock(&[("A", 1)]);
    let events = [placed(1, &[("UNKNOWN", 1), ("A", 2)])];
    let decided = decide(&events, &found);
    let lacking = decided.reservations[0].lacking.as_ref().unwrap();
    let named: Vec<_> = lacking.iter().map(|lacking| (lacking.sku.as_str(), lacking.available)).collect();
    assert_eq!(named, [("UNKNOWN", 0), ("A", 1)]);
}

#[test]
fn events_about_the_id_of_a_direct_reservation_change_nothing() {
    let direct = HashSet::from([order(1)]);
    let found = Found { direct, ..stock(&[("A", 5)]) };
    let events = [placed(1, &[("A", 1)]), confirmed(1), cancelled(1), placed(2, &[("A", 2)])];
    let decided = decide(&events, &found);
    assert_eq!(decided.outcomes, [(0, Outcome::IdTaken), (3, Outcome::Reserved)]);
    assert_eq!((decided.confirmed.len(), decided.released.len(), decided.reservations.len()), (0, 0, 1));
    assert_eq!(levels(&decided), [("A".into(), 3, 2)]);
}

#[test]
fn orders_for_what_is_sold_out_write_no_stock() {
    let found = stock(&[("A", 0)]);
    let events: Vec<_> = (0..100).map(|number| placed(number, &[("A", 1)])).collect();
    let decided = decide(&events, &found);
    assert_eq!(decided.stock, []);
    assert_eq!(decided.outcomes.len(), 100);
}

#[test]
fn what_is_cancelled_in_a_batch_is_there_for_the_orders_behind_it() {
    let found = stock(&[("A", 1)]);
    let events = [placed(1, &[("A", 1)]), placed(2, &[("A", 1)]), cancelled(1), placed(3, &[("A", 1)]), confirmed(3)];
    let decided = decide(&events, &found);
    assert_eq!(statuses(&decided), [Released, Rejected, Confirmed]);
    assert_eq!(levels(&decided), [("A".into(), 0, 1)]);
    assert_eq!(decided.outcomes.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(decided.outcomes[2].1, Outcome::Released);
}

#[test]
fn stock_that_comes_back_to_where_it_was_is_not_written() {
    let found = stock(&[("A", 1)]);
    let events = [placed(1, &[("A", 1)]), cancelled(1)];
    assert_eq!(decide(&events, &found).stock, []);
}

#[test]
fn what_was_there_before_moves_on_and_repeats_change_nothing() {
    let lines = placed(1, &[("A", 2)]).lines().to_vec();
    let mut found = stock(&[("A", 3)]);
    found.stock[0].1.reserved = 4;
    for (number, status) in [(1, Held), (2, Confirmed), (3, Rejected), (4, Released)] {
        found.reservations.insert(order(number), Standing { status, lines: lines.clone() });
    }
    let twice = |event: fn(u8) -> OrderEvent| (1..=4).map(event).chain((1..=4).map(event)).collect::<Vec<_>>();

    let again = twice(|number| placed(number, &[("A", 1)]));
    assert_eq!(decide(&again, &found), Decided::default());

    let confirmations = twice(confirmed);
    let decided = decide(&confirmations, &found);
    assert_eq!(decided, Decided { confirmed: vec![order(1)], ..Decided::default() });

    let cancellations = twice(cancelled);
    let mut decided = decide(&cancellations, &found);
    decided.released.sort();
    assert_eq!(decided.released, [order(1), order(2)]);
    assert_eq!(levels(&decided), [("A".into(), 7, 0)]);
    assert_eq!(decided.outcomes, [(0, Outcome::Released), (1, Outcome::Released)]);
}

#[test]
fn giving_back_more_than_is_reserved_is_a_violation_and_changes_nothing() {
    let mut found = stock(&[("A", 3)]);
    let lines = placed(1, &[("A", 2)]).lines().to_vec();
    found.reservations.insert(order(1), Standing { status: Held, lines });
    let events = [cancelled(1)];
    let decided = decide(&events, &found);
    assert_eq!((decided.violations, decided.stock), (1, vec![]));
}

fn events() -> impl Strategy<Value = Vec<OrderEvent>> {
    let lines = prop::collection::btree_map(prop::sample::select(SKUS.to_vec()), 1u32..6, 1..4);
    let event = (0u8..12, 0u8..5, lines).prop_map(|(number, kind, lines)| match kind {
        0..3 => placed(number, &lines.into_iter().collect::<Vec<_>>()),
        3 => confirmed(number),
        _ => cancelled(number),
    });
    prop::collection::vec(event, 0..60)
}

/// The database, as far as deciding sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Database {
    stock: BTreeMap<Sku, (i64, i64)>,
    reservations: BTreeMap<OrderId, (ReservationStatus, Vec<StockLine>)>,
}

impl Database {
    fn new(available: [i64; 3]) -> Self {
        let stock = SKUS.into_iter().zip(available).map(|(text, available)| (sku(text), (available, 0))).collect();
        Self { stock, reservations: BTreeMap::new() }
    }

    /// Decides a batch as a transaction does, and stores what it comes to.
    fn take(&mut self, events: &[OrderEvent]) -> Vec<Outcome> {
        let level = |(sku, &(available, reserved)): (&Sku, _)| (sku.clone(), Level { available, reserved });
        let read = |event: &OrderEvent| {
            let (status, lines) = self.reservations.get(&event.order_id())?.clone();
            let read = !matches!(event, OrderEvent::Confirmed(_));
            read.then(|| (event.order_id(), Standing { status, lines }))
        };
        let found = Found {
            stock: self.stock.iter().map(level).collect(),
            reservations: events.iter().filter_map(read).collect(),
            ..Found::default()
        };
        let decided = decide(events, &found);
        assert_eq!(decided.violations, 0);
        for (sku, Level { available, reserved }) in decided.stock {
            self.stock.insert(sku, (available, reserved));
        }
        for id in decided.confirmed {
            if let Some((status @ Held, _)) = self.reservations.get_mut(&id) {
                *status = Confirmed;
            }
        }
        for NewReservation { order_id, status, lines, .. } in decided.reservations {
            assert!(self.reservations.insert(order_id, (status, lines.to_vec())).is_none());
        }
        for id in decided.released {
            self.reservations.get_mut(&id).unwrap().0 = Released;
        }
        decided.outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }
}

proptest! {
    #[test]
    fn stock_is_never_below_zero_its_sum_is_kept_and_what_is_reserved_is_held(
        available in prop::array::uniform3(0i64..30),
        events in events(),
    ) {
        let mut database = Database::new(available);
        database.take(&events);
        for ((sku, (available, reserved)), before) in database.stock.iter().zip(available) {
            prop_assert!(*available >= 0 && *reserved >= 0);
            prop_assert_eq!(available + reserved, before);
            let live = database.reservations.values().filter(|(status, _)| matches!(status, Held | Confirmed));
            let held = live.flat_map(|(_, lines)| lines).filter(|line| line.sku == *sku);
            prop_assert_eq!(held.map(|line| i64::from(line.quantity.get())).sum::<i64>(), *reserved);
        }
    }

    #[test]
    fn a_batch_comes_to_the_same_as_its_events_one_by_one(
        available in prop::array::uniform3(0i64..30),
        events in events(),
        cut in 0usize..60,
    ) {
        let (mut whole, mut halves, mut single) =
            (Database::new(available), Database::new(available), Database::new(available));
        let told = whole.take(&events);
        let (first, second) = events.split_at(cut.min(events.len()));
        let told_by_halves: Vec<_> = halves.take(first).into_iter().chain(halves.take(second)).collect();
        let told_singly: Vec<_> = events.iter().flat_map(|event| single.take(std::slice::from_ref(event))).collect();
        prop_assert_eq!(&told, &told_by_halves);
        prop_assert_eq!(&told, &told_singly);
        prop_assert_eq!(&whole, &halves);
        prop_assert_eq!(&whole, &single);
    }

    #[test]
    fn a_batch_that_comes_twice_changes_nothing_the_second_time(
        available in prop::array::uniform3(0i64..30),
        events in events(),
    ) {
        // No order is confirmed or cancelled before it is placed: they share a key, and so a partition.
        let mut seen = HashSet::new();
        let mut events = events;
        events.retain(|event| match event {
            OrderEvent::Placed { order_id, .. } => {
                seen.insert(*order_id);
                true
            }
            _ => seen.contains(&event.order_id()),
        });
        let mut database = Database::new(available);
        database.take(&events);
        let once = database.clone();
        prop_assert_eq!(database.take(&events), vec![]);
        prop_assert_eq!(database, once);
    }

    #[test]
    fn an_order_lacks_exactly_where_there_are_too_few(
        available in prop::array::uniform3(0i64..6),
        wanted in prop::collection::btree_map(prop::sample::select(SKUS.to_vec()), 1u32..8, 1..4),
    ) {
        let found = stock(&[("A", available[0]), ("B", available[1]), ("C", available[2])]);
        let events = [placed(1, &wanted.iter().map(|(sku, n)| (*sku, *n)).collect::<Vec<_>>())];
        let decided = decide(&events, &found);
        let there = |sku: &str| SKUS.iter().position(|s| *s == sku).and_then(|i| available.get(i)).copied().unwrap_or(0);
        let lacking: Vec<_> = wanted.iter().filter(|(sku, n)| there(sku) < i64::from(**n)).map(|(sku, _)| *sku).collect();
        match &decided.outcomes[0].1 {
            Outcome::Rejected(named) => {
                let named: Vec<_> = named.iter().map(|lacking| lacking.sku.as_str()).collect();
                prop_assert_eq!(named, lacking);
                prop_assert!(decided.stock.is_empty());
            }
            _ => prop_assert!(lacking.is_empty()),
        }
    }
}
