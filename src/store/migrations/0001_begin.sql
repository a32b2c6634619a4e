-- Text that SQLite and PostgreSQL both take: times are Unix seconds, flags 0 or 1, numbers given by the program.

CREATE TABLE recipients (
    id BIGINT PRIMARY KEY,              -- the keyed hash of the address
    email TEXT NOT NULL,                -- as it is mailed
    name TEXT,
    fields TEXT NOT NULL,               -- JSON: what else the list says of this person
    basis TEXT NOT NULL,                -- consent, mission
    proof TEXT,
    added_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX recipients_by_email ON recipients (email);

CREATE TABLE subscriptions (
    newsletter TEXT NOT NULL,
    recipient BIGINT NOT NULL,
    state TEXT NOT NULL,                -- subscribed, left, retired
    source TEXT NOT NULL,               -- add, import, leave
    import BIGINT NOT NULL,             -- the last import that named this person; 0: none
    since BIGINT NOT NULL,
    PRIMARY KEY (newsletter, recipient)
);
CREATE INDEX subscriptions_by_recipient ON subscriptions (recipient);

CREATE TABLE suppressions (
    recipient BIGINT PRIMARY KEY,
    email TEXT NOT NULL,
    reason TEXT NOT NULL,               -- bounce
    reply TEXT,
    edition BIGINT,                     -- whose delivery said so
    at BIGINT NOT NULL
);

CREATE TABLE newsletters (
    name TEXT PRIMARY KEY,
    started_at BIGINT NOT NULL,
    considered_at BIGINT NOT NULL,
    waiting_since BIGINT,               -- waits for pages since then
    brake TEXT                          -- why the next edition must be held
);

CREATE TABLE announced (
    newsletter TEXT NOT NULL,
    item TEXT NOT NULL,
    how TEXT NOT NULL,                  -- announced, counted, backlog, declined
    edition BIGINT,
    at BIGINT NOT NULL,
    PRIMARY KEY (newsletter, item)
);

CREATE TABLE editions (
    id BIGINT PRIMARY KEY,
    newsletter TEXT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT NOT NULL,                -- composed, sending, done, held, cancelled
    reason TEXT,                        -- why it is held, or what it waits for
    brakes BIGINT NOT NULL,             -- 1: the first outcomes may still hold it
    items TEXT NOT NULL,                -- JSON: ids, as shown
    content TEXT NOT NULL,              -- JSON: what the letter is made of, but for the variants
    composed_at BIGINT NOT NULL,
    finished_at BIGINT,
    UNIQUE (newsletter, number)
);

CREATE TABLE variants (
    edition BIGINT NOT NULL,
    variant BIGINT NOT NULL,
    content TEXT NOT NULL,              -- JSON
    PRIMARY KEY (edition, variant)
);

CREATE TABLE deliveries (
    edition BIGINT NOT NULL,
    recipient BIGINT NOT NULL,
    email TEXT NOT NULL,
    name TEXT,
    fields TEXT NOT NULL,
    variant BIGINT NOT NULL,
    state TEXT NOT NULL,                -- pending, claimed, sending, accepted, refused, suppressed, uncertain
    worker TEXT,
    connection BIGINT,
    attempts BIGINT NOT NULL,           -- how often a try was begun
    uncertain BIGINT NOT NULL,          -- how often the outcome of a try stayed unknown
    first_try BIGINT,
    next_try BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    reply TEXT,                         -- the server's last words, or ours
    message_id TEXT,
    PRIMARY KEY (edition, recipient)
);
CREATE INDEX deliveries_by_state ON deliveries (edition, state, next_try, recipient);
CREATE INDEX deliveries_by_recipient ON deliveries (recipient);

CREATE TABLE items (
    line TEXT PRIMARY KEY               -- a line of feeds/items.lock
);
