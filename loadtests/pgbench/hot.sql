-- One order a transaction, in one statement, as a service without batches would reserve for it: as many as are asked for
-- leave the stock if they are there, the reservation, its outbox row. Nothing is between the row's lock and the commit that
-- could be done before.
\set bucket random(0, 7)
WITH taken AS (
    UPDATE stock SET available = available - 1, reserved = reserved + 1, version = version + 1
     WHERE sku = 'SYN-00001' AND available >= 1
    RETURNING sku
), held AS (
    INSERT INTO reservations (order_id, status, lines, decided_at)
    SELECT gen_random_uuid(), 0, jsonb_build_array(jsonb_build_object('sku', sku, 'quantity', 1)), now() FROM taken
    RETURNING order_id
)
INSERT INTO outbox (bucket, message_count, messages)
SELECT :bucket::smallint, 1, decode(repeat('7b22736b75223a22', 32), 'hex') FROM held;
