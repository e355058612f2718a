-- What pgbench writes into: the order service's own tables as far as an order needs them, with one outbox row an order.
CREATE TABLE bench_orders (
    id           uuid PRIMARY KEY,
    status       smallint NOT NULL DEFAULT 0,
    customer_id  text,
    lines        jsonb NOT NULL,
    total_minor  bigint NOT NULL,
    currency     text NOT NULL,
    placed_at    timestamptz NOT NULL,
    decided_at   timestamptz
) WITH (fillfactor = 85);
CREATE INDEX bench_orders_by_customer ON bench_orders (customer_id, id) WHERE customer_id IS NOT NULL;
CREATE TABLE bench_outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket     smallint NOT NULL,
    messages   bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
