-- People who asked that their letters go to another address, and have not confirmed it there yet.
CREATE TABLE moves (
    recipient BIGINT NOT NULL,
    to_recipient BIGINT NOT NULL,       -- the keyed hash of the new address
    asked_at BIGINT NOT NULL,
    email TEXT NOT NULL,                -- the new one
    PRIMARY KEY (recipient, to_recipient, asked_at)
);
CREATE INDEX moves_by_time ON moves (asked_at);
CREATE INDEX moves_by_recipient ON moves (to_recipient);

-- Where they went who moved: links in earlier letters go on working.
CREATE TABLE moved (
    recipient BIGINT PRIMARY KEY,
    to_recipient BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX moved_to ON moved (to_recipient);
