-- The history of consent: what was said of a person's subscriptions, when, on what basis. Nothing in it is changed or deleted.

CREATE TABLE person_keys (
    recipient BIGINT PRIMARY KEY,
    secret TEXT NOT NULL                -- seals this person's entries: without it nobody reads them
);

CREATE TABLE history (
    strand BIGINT NOT NULL,             -- 0: the chain; else the entries of one import, tied into the chain as a whole
    sequence BIGINT NOT NULL,
    recipient BIGINT NOT NULL,          -- negative: a strand is tied here
    sealed TEXT NOT NULL,
    hash TEXT NOT NULL,                 -- of the entry before it and of this one
    PRIMARY KEY (strand, sequence)
);
CREATE INDEX history_by_recipient ON history (recipient);

CREATE TABLE history_head (
    id BIGINT PRIMARY KEY,              -- 0
    sequence BIGINT NOT NULL,           -- the chain's last entry
    hash TEXT NOT NULL
);
INSERT INTO history_head (id, sequence, hash) VALUES (0, 0, '');

-- Whom nobody takes in again: the keyed hash of the address, and nothing else.
CREATE TABLE erased (
    recipient BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
);

-- Names of a-z, 0-9 and -, with a space around each: ' press mayors '.
ALTER TABLE recipients ADD COLUMN tags TEXT NOT NULL DEFAULT '';

-- What is left of deliveries whose rows were deleted with time.
CREATE TABLE totals (
    edition BIGINT NOT NULL,
    variant BIGINT NOT NULL,
    state TEXT NOT NULL,
    domain TEXT NOT NULL,               -- receiving, in lower case; '': of people who were erased
    letters BIGINT NOT NULL,
    twice BIGINT NOT NULL,              -- of these: how often the answer to a try was cut off
    PRIMARY KEY (edition, variant, state, domain)
);
CREATE TABLE returned_totals (
    edition BIGINT PRIMARY KEY,
    returned BIGINT NOT NULL,
    hard BIGINT NOT NULL,
    policy BIGINT NOT NULL,
    complaints BIGINT NOT NULL
);
ALTER TABLE editions ADD COLUMN reduced_at BIGINT;      -- its deliveries are in `totals` since then
