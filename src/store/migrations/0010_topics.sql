-- What a reader chose of a newsletter's topics: sorted names with single spaces between them. NULL: everything.
ALTER TABLE subscriptions ADD COLUMN topics TEXT;

-- What each choice gets of an edition; one that does not stand here gets variant 0, which has everything.
CREATE TABLE shares (
    edition BIGINT NOT NULL,
    topics TEXT NOT NULL,
    variant BIGINT NOT NULL,            -- -1: nothing is in it for them
    PRIMARY KEY (edition, topics)
);
