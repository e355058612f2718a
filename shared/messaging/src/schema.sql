-- A row is a frame: many messages of one bucket, written by one transaction.
CREATE TABLE IF NOT EXISTS outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bucket        smallint NOT NULL,
    message_count integer NOT NULL,
    messages      bytea NOT NULL,
    written_at    timestamptz NOT NULL DEFAULT now()
);

-- Frames live for milliseconds: compressing them would only cost.
ALTER TABLE outbox ALTER COLUMN messages SET STORAGE EXTERNAL;

-- Every row is deleted soon: vacuum by count, not by share, so that the taker never walks over many dead rows.
ALTER TABLE outbox SET (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 10000,
    toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 5000,
    toast.autovacuum_vacuum_cost_delay = 0
);

-- Where each partition is to be read on: moved in the transaction that holds a batch's effects. Updated once a
-- batch, and the free space on its page keeps those updates off the index.
CREATE TABLE IF NOT EXISTS inbox_position (
    topic       text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 10);
