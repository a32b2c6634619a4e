-- Who is listed by addresses is sorted when somebody asks.
DROP INDEX recipients_by_email;

-- 1: how its deliveries stand is in `totals`, whether they are still kept or not.
ALTER TABLE editions ADD COLUMN summed BIGINT NOT NULL DEFAULT 0;
UPDATE editions SET summed = 1 WHERE reduced_at IS NOT NULL;
