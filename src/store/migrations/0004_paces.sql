-- How fast letters may leave, for all workers of this database together.

CREATE TABLE paces (
    name TEXT PRIMARY KEY,              -- '' for all letters; a receiving domain
    next_slot BIGINT NOT NULL           -- milliseconds of the wall clock
);
