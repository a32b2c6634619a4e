-- An edition that is frozen ahead of its time, and the copy of it that a few people see before everybody does.

ALTER TABLE editions ADD COLUMN send_at BIGINT;        -- it goes by itself then, and not before
ALTER TABLE editions ADD COLUMN previewed_at BIGINT;   -- when the preview left; NULL: not yet
