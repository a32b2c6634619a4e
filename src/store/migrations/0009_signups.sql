-- People who asked to be on a newsletter, and have not confirmed it yet. Whoever confirms, or does not in time, is deleted here.
CREATE TABLE signups (
    newsletter TEXT NOT NULL,
    recipient BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,           -- the link of the letter names it
    email TEXT NOT NULL,
    name TEXT,
    topics TEXT,                        -- as in subscriptions
    instead_of TEXT,                    -- a newsletter that is left by confirming
    consent TEXT NOT NULL,              -- the wording that was agreed to
    consent_version TEXT NOT NULL,
    network TEXT NOT NULL,              -- keyed hash: where it was asked from
    PRIMARY KEY (newsletter, recipient, asked_at)
);
CREATE INDEX signups_by_time ON signups (asked_at);
CREATE INDEX signups_by_recipient ON signups (recipient);

-- Of whoever came from another newsletter: the editions of it that they got, as !EDITION.VARIANT,… What stands in them does not
-- come again. NULL: nothing.
ALTER TABLE subscriptions ADD COLUMN carried TEXT;

-- Single letters that wait to leave, each to one person who asked for it on a page.
CREATE TABLE outbox (
    id BIGINT PRIMARY KEY,              -- random
    newsletter TEXT NOT NULL,
    kind TEXT NOT NULL,                 -- what it says: confirm, subscribed, manage, …
    recipient BIGINT NOT NULL,
    email TEXT NOT NULL,
    name TEXT,
    details TEXT NOT NULL,              -- JSON: what else it is made from
    asked_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,         -- of no use from then on
    next_try BIGINT NOT NULL,           -- also how long whoever has it may take
    attempts BIGINT NOT NULL
);
CREATE INDEX outbox_by_time ON outbox (next_try);
CREATE INDEX outbox_by_recipient ON outbox (recipient);

-- Letters that were asked for on pages, by what limits them: keyed hashes of addresses and networks, never themselves.
CREATE TABLE letters_asked (
    limited TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX letters_asked_by_limit ON letters_asked (limited, at);
CREATE INDEX letters_asked_by_time ON letters_asked (at);

-- How often nothing left in answer to a form, by day.
CREATE TABLE unanswered (
    day BIGINT NOT NULL,                -- since 1970
    newsletter TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (day, newsletter)
);
