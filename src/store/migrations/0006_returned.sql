CREATE TABLE returned (
    mark TEXT PRIMARY KEY,              -- hash of the delivery and of the report: a report read twice counts once
    edition BIGINT NOT NULL,
    recipient BIGINT NOT NULL,
    kind TEXT NOT NULL,                 -- hard, soft, delayed, arrived, complaint, feedback
    policy BIGINT NOT NULL,             -- 1: refused by policy (5.7.x)
    lifted BIGINT NOT NULL,             -- 1: a person brought the address back since
    words TEXT NOT NULL,                -- the server's
    at BIGINT NOT NULL
);
CREATE INDEX returned_by_recipient ON returned (recipient, edition);
CREATE INDEX returned_by_edition ON returned (edition, kind);
