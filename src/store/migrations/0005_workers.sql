-- Who delivers, and the rows that are under way: small indexes, for every letter changes them.

CREATE TABLE workers (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    lease_until BIGINT NOT NULL,        -- by the database's clock
    wanted BIGINT NOT NULL,             -- connections to the mail server
    connections BIGINT NOT NULL         -- that it has, or may have
);

DROP INDEX deliveries_by_state;
CREATE INDEX deliveries_pending ON deliveries (edition, next_try, recipient) WHERE state = 'pending';
CREATE INDEX deliveries_under_way ON deliveries (state) WHERE state IN ('claimed', 'sending');
CREATE INDEX deliveries_uncertain ON deliveries (edition) WHERE state = 'uncertain';
