-- What is counted by the day, of nobody in particular. A day is its number since 1970-01-01, in UTC.

-- How many joined and left a newsletter.
CREATE TABLE daily (
    newsletter TEXT NOT NULL,
    day BIGINT NOT NULL,
    joined BIGINT NOT NULL,
    gone BIGINT NOT NULL,               -- left, retired, erased
    PRIMARY KEY (newsletter, day)
);

-- What is known of the time before: since when people are subscribed, and when those who are so no more came and went.
INSERT INTO daily (newsletter, day, joined, gone)
SELECT newsletter, day, SUM(joined), SUM(gone) FROM (
    SELECT newsletter, since / 86400 AS day, 1 AS joined, 0 AS gone FROM subscriptions WHERE state = 'subscribed'
    UNION ALL
    SELECT s.newsletter, r.added_at / 86400, 1, 0 FROM subscriptions s JOIN recipients r ON r.id = s.recipient
    WHERE s.state <> 'subscribed' AND s.source <> 'leave'
    UNION ALL
    SELECT s.newsletter, s.since / 86400, 0, 1 FROM subscriptions s JOIN recipients r ON r.id = s.recipient
    WHERE s.state <> 'subscribed' AND s.source <> 'leave'
) AS changes GROUP BY newsletter, day;

-- Who fetched a feed, as programs: never an address, never a whole user agent.
CREATE TABLE readers (
    feed TEXT NOT NULL,                 -- the path of the file
    day BIGINT NOT NULL,
    reader TEXT NOT NULL,               -- the program's or the service's name
    source TEXT NOT NULL,               -- the service's own number of the feed, where it says one
    subscribers BIGINT NOT NULL,        -- the most that the service said; 0: it says none
    fetches BIGINT NOT NULL,
    PRIMARY KEY (feed, day, reader, source)
);
CREATE INDEX readers_by_day ON readers (day);
