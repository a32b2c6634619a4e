-- What a reader chose of a newsletter's topics: sorted names with single spaces between them. NULL: everything.
ALTER TABLE subscriptions ADD COLUMN topics TEXT;
