-- The pictures of letters: each once, whatever number of letters shows it.

CREATE TABLE pictures (
    name TEXT PRIMARY KEY,              -- of its content
    media_type TEXT NOT NULL,
    content TEXT NOT NULL,              -- base64
    keep_until BIGINT NOT NULL          -- the latest of the letters that show it asks for
);
