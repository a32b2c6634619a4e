-- What a subscription was before its person left by the web page, which may be undone for a while: subscribed, retired, or
-- absent (from a file, without a row of its own). NULL: there is nothing to undo.
ALTER TABLE subscriptions ADD COLUMN was TEXT;
