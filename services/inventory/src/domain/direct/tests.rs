use std::collections::HashMap;

use contracts::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::domain::{Found, Level, Standing, decide};

const IDS: [&str; 3] = [
    "0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b1",
    "0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b2",
    "0193e2a5-7c1e-7bd2-9a41-6f0e7ad2c9b3",
];

fn check(body: Value) -> Result<DirectReservation, Vec<String>> {
    let body = serde_json::from_value(body).unwrap();
    DirectReservation::check(&body).map_err(|faults| faults.into_iter().map(|fault| fault.pointer.unwrap()).collect())
}

#[test]
fn every_fault_is_named_with_its_pointer() {
    let faults = check(json!({"order_id": "17", "lines": [
        {"sku": "", "quantity": 0},
        {"sku": "A", "quantity": 1.5},
        {"sku": "A", "quantity": 1_000_000},
        {"sku": "A", "quantity": 1},
    ]}));
    let expected = ["/order_id", "/lines/0/sku", "/lines/0/quantity", "/lines/1/quantity", "/lines/3/quantity"];
    assert_eq!(faults.unwrap_err(), expected);
    for lines in [json!([]), json!(vec![json!({"sku": "A", "quantity": 1}); 1_001])] {
        assert_eq!(check(json!({ "lines": lines })).unwrap_err(), ["/lines"]);
    }
}

#[test]
fn an_id_is_of_version_7_and_made_where_there_is_none() {
    let lines = json!([{"sku": "A", "quantity": 1}]);
    assert_eq!(check(json!({"order_id": IDS[0], "lines": lines})).unwrap().order_id().to_string(), IDS[0]);
    let random = "5f0c2b5e-9d3a-4c8e-8f3e-0a1b2c3d4e5f";
    assert_eq!(check(json!({"order_id": random, "lines": lines})).unwrap_err(), ["/order_id"]);
    let [one, other] = [0, 1].map(|_| check(json!({ "lines": lines })).unwrap().order_id());
    assert_ne!(one, other);
}

/// What is stored.
#[derive(Clone)]
struct Shop {
    stock: Vec<(Sku, Level)>,
    reservations: HashMap<OrderId, Stood>,
}

impl Shop {
    /// Decides requests together, and stores what that comes to.
    fn take(&mut self, wanted: &[DirectReservation], now: Timestamp) -> Vec<Answer> {
        let standing =
            |(id, stood): (&OrderId, &Stood)| (*id, Standing { status: stood.reservation.status, lines: Vec::new() });
        let found = Found {
            stock: self.stock.clone(),
            reservations: self.reservations.iter().map(standing).collect(),
            ..Found::default()
        };
        let decided = decide(wanted.iter().map(DirectReservation::placing), &found);
        let answers = answers(wanted, self.reservations.clone(), &decided, now);
        for (sku, level) in &decided.stock {
            self.stock.iter_mut().filter(|(kept, _)| kept == sku).for_each(|(_, kept)| *kept = *level);
        }
        for answer in &answers {
            if let Answer::Decided(stood) = answer {
                self.reservations.insert(stood.reservation.order_id, stood.clone());
            }
        }
        answers
    }
}

fn request() -> impl Strategy<Value = DirectReservation> {
    let line = (prop::sample::select(vec!["A", "B", "UNKNOWN"]), 1u32..4);
    let lines = prop::collection::vec(line, 1..3);
    (prop::sample::select(IDS.to_vec()), lines).prop_map(|(id, lines)| {
        let lines: Vec<Value> = lines.iter().map(|(sku, n)| json!({"sku": sku, "quantity": n})).collect();
        check(json!({"order_id": id, "lines": lines})).unwrap()
    })
}

proptest! {
    /// Whoever is gathered with others is told the same as if they had come one after the other.
    #[test]
    fn answers_together_are_those_one_by_one(
        wanted in prop::collection::vec(request(), 1..12),
        available in (0i64..8, 0i64..8),
        of_an_order in prop::option::of(0usize..IDS.len()),
    ) {
        let now = Timestamp::now();
        let level = |sku: &str, available| (sku.parse().unwrap(), Level { available, reserved: 0 });
        let mut together = Shop {
            stock: vec![level("A", available.0), level("B", available.1)],
            reservations: HashMap::new(),
        };
        if let Some(taken) = of_an_order {
            let order_id = Uuid::parse_str(IDS[taken]).unwrap().into();
            let reservation = contracts::stock::Reservation {
                order_id,
                status: contracts::stock::ReservationStatus::Held,
                lines: Vec::new(),
                decided_at: now,
                released_at: None,
            };
            together.reservations.insert(order_id, Stood { reservation, lacking: Vec::new(), direct: false });
        }
        let mut alone = together.clone();
        let gathered = together.take(&wanted, now);
        let single: Vec<Answer> = wanted.iter().flat_map(|one| alone.take(std::slice::from_ref(one), now)).collect();
        prop_assert_eq!(&gathered, &single);
        prop_assert_eq!(&together.stock, &alone.stock);
        let told: u32 = gathered.iter().filter_map(|answer| match answer {
            Answer::Decided(stood) if stood.lacking.is_empty() => Some(&stood.reservation.lines),
            _ => None,
        }).flatten().map(|line| line.quantity.get()).sum();
        let reserved: i64 = together.stock.iter().map(|(_, level)| level.reserved).sum();
        prop_assert_eq!(i64::from(told), reserved);
    }
}
