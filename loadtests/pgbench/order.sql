-- One order a transaction, as a service without group commit would write it: the order with its lines, its outbox row.
\set customer random(1, 100000)
\set a random(1, 10000)
\set b random(1, 10000)
\set c random(1, 10000)
\set quantity random(1, 9)
BEGIN;
INSERT INTO bench_orders (id, customer_id, lines, total_minor, currency, placed_at)
VALUES (gen_random_uuid(), :customer::text,
        jsonb_build_array(
            jsonb_build_object('sku', 'SYN-' || :a::int, 'quantity', :quantity::int, 'unit_price', jsonb_build_object('minor', 255, 'currency', 'GBP')),
            jsonb_build_object('sku', 'SYN-' || :b::int, 'quantity', :quantity::int, 'unit_price', jsonb_build_object('minor', 255, 'currency', 'GBP')),
            jsonb_build_object('sku', 'SYN-' || :c::int, 'quantity', :quantity::int, 'unit_price', jsonb_build_object('minor', 255, 'currency', 'GBP'))),
        765 * :quantity::int, 'GBP', now());
INSERT INTO bench_outbox (bucket, messages) VALUES (:a::int % 8, decode(repeat('7b22736b75223a22', 48), 'hex'));
COMMIT;
