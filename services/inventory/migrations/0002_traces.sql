-- Where an order's trace goes on when its reservation expires: the traceparent of the span that made the reservation, of
-- orders whose trace is recorded.
ALTER TABLE reservations ADD COLUMN trace text;
