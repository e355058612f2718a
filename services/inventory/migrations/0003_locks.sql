-- The greatest fencing token that has stored each row (0.0: none has). What comes with a smaller one is refused.
ALTER TABLE stock
    ADD COLUMN token_epoch   bigint NOT NULL DEFAULT 0,
    ADD COLUMN token_counter bigint NOT NULL DEFAULT 0;

-- Whether whoever stores stock now compares what it has read with what stands there, or locks the rows. Without
-- coordinators an instance can't know by which strategy the others lock; what stands here it can read, in the transaction
-- in which it locks the rows itself. Written when an instance stores for the first time by another strategy.
CREATE TABLE stock_guard (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    careful  boolean NOT NULL
);
INSERT INTO stock_guard (careful) VALUES (true);

-- Whether it was made by a request to this service, and belongs to no order of the order service.
ALTER TABLE reservations ADD COLUMN direct boolean NOT NULL DEFAULT false;
