//! Where all is right.

use std::time::Duration;

use audit::{Counts, OrderCounts, ReservationCounts, audit_prefixed};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_and_everything_is_counted() {
    let world = World::new().await;
    let report = world.audit(Duration::from_secs(30)).await.unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!(report.looks, 1);
    let counts = Counts {
        orders: OrderCounts { pending: 0, confirmed: 2, rejected: 2, cancelled: 2 },
        reservations: ReservationCounts { held: 0, confirmed: 2, rejected: 2, released: 2, direct: 0 },
        skus: 3,
        oversold: 0,
        adjustments: 4,
        idempotency_keys: 5,
        acknowledged: 4,
        unanswered: 2,
    };
    assert_eq!(report.counts, counts);
    let examined: Vec<_> = report.checks.iter().map(|outcome| (outcome.name.name(), outcome.examined)).collect();
    let expected = [
        ("stock_adds_up", 3),
        ("stock_not_negative", 3),
        ("stock_not_oversold", 3),
        ("confirmed_is_reserved", 2),
        ("confirmed_is_settled", 2),
        ("rejected_or_cancelled_holds_nothing", 4),
        ("reservation_has_order", 6),
        ("totals_add_up", 6),
        ("rejection_says_why", 4),
        ("every_order_is_final", 6),
        ("acknowledged_exists", 11),
        ("outbox_empty", 2),
        ("dead_letters_empty", 3),
    ];
    assert_eq!(examined, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ledger_the_databases_alone_are_examined() {
    let world = World::new().await;
    let report = audit_prefixed(&world.source, &world.prefix, &[], Duration::ZERO).await.unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!((report.counts.acknowledged, report.counts.unanswered), (0, 0));
}

/// More rows than a page holds, in both databases, and orders that have no reservation in between.
#[tokio::test(flavor = "multi_thread")]
async fn many_orders_are_read_page_by_page() {
    let world = World::new().await;
    world
        .in_order(
            r#"INSERT INTO orders (id, status, lines, total_minor, currency, placed_at)
             SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1 + n % 2 * 2,
                    '[{"sku": "A", "quantity": 1, "unit_price": {"minor": 255, "currency": "GBP"}}]',
                    255, 'GBP', now()
               FROM generate_series(1, 5000) AS n"#,
        )
        .await;
    world
        .in_order(
            "INSERT INTO idempotency (key, body_hash, order_id)
             SELECT id, '', id FROM orders WHERE id < '00000001-0000-0000-0000-000000000000'",
        )
        .await;
    world
        .in_inventory(
            r#"INSERT INTO reservations (order_id, status, lines, decided_at)
             SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1,
                    '[{"sku": "A", "quantity": 1}]', now()
               FROM generate_series(2, 5000, 2) AS n"#,
        )
        .await;
    world
        .in_inventory(
            "INSERT INTO stock_adjustments
                (id, sku, delta, reason, available_after, reserved_after, version_after, adjusted_at)
             VALUES (gen_random_uuid(), 'A', 2500, 'count', 0, 0, 0, now())",
        )
        .await;
    world.balance().await;
    let report = world.audit(Duration::ZERO).await.unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!((report.counts.orders.total(), report.counts.reservations.total()), (5_006, 2_506));
    assert_eq!(report.counts.idempotency_keys, 5_005);
}
