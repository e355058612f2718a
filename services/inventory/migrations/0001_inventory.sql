-- SKUs compare by their bytes, as they do in the programs that read them: one order everywhere, whatever the server's
-- locale, for pages and for the order in which rows are locked.

CREATE TABLE products (
    sku         text COLLATE "C" PRIMARY KEY,
    name        text NOT NULL,
    price_minor bigint NOT NULL CHECK (price_minor > 0),
    currency    text NOT NULL,
    version     bigint NOT NULL CHECK (version > 0)
);

-- Every product has its row from the start, at 0. The few rows of busy products are written again by every batch:
-- pages are kept half empty, so that the new versions stay on their page and touch no index (HOT).
CREATE TABLE stock (
    sku       text COLLATE "C" PRIMARY KEY REFERENCES products,
    available bigint NOT NULL DEFAULT 0 CHECK (available >= 0),
    reserved  bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    version   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.5, autovacuum_vacuum_cost_delay = 0);

-- What was decided about an order.
--
-- status:  0 HELD, 1 CONFIRMED, 2 REJECTED, 3 RELEASED.
-- lines:   [{"sku": "85123A", "quantity": 6}], each SKU once; what is held, was held, or was asked for.
-- lacking: of a REJECTED one, [{"sku": "85123A", "requested": 6, "available": 2}]; otherwise null.
--
-- Nearly every row changes its status once, soon after it was written, and in batches as large as those that wrote it.
-- No column that changes stands in an index, and pages are filled to less than half, so that each row's next version
-- finds room beside it and no index is touched (HOT). At a fillfactor of 85 one change in four was HOT.
CREATE TABLE reservations (
    order_id    uuid PRIMARY KEY,
    status      smallint NOT NULL CHECK (status BETWEEN 0 AND 3),
    lines       jsonb NOT NULL,
    lacking     jsonb,
    decided_at  timestamptz NOT NULL,
    released_at timestamptz
) WITH (fillfactor = 45);

-- For the sweep, which looks for reservations HELD since before some time. A partial index WHERE status = 0 would be
-- the obvious one, and would put every change of a status into the indexes: a column in an index's predicate counts as
-- indexed. decided_at never changes, and rows come in its order, so a block range index holds it in a few kilobytes,
-- costs an insert next to nothing, and lets the sweep read only the pages of the time since it last ran.
CREATE INDEX reservations_by_time ON reservations USING brin (decided_at)
    WITH (pages_per_range = 16, autosummarize = on);

-- Every change of stock that is not a reservation. What it left is kept too: it is the answer to a repeat of the
-- request that carried the same Idempotency-Key.
CREATE TABLE stock_adjustments (
    id              uuid PRIMARY KEY,
    sku             text COLLATE "C" NOT NULL REFERENCES products,
    delta           bigint NOT NULL CHECK (delta <> 0),
    reason          text NOT NULL,
    idempotency_key text UNIQUE,
    body_hash       bytea,
    available_after bigint NOT NULL,
    reserved_after  bigint NOT NULL,
    version_after   bigint NOT NULL,
    adjusted_at     timestamptz NOT NULL
);
