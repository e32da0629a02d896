-- Batches whose names and phones were removed, and what holds what is left of them together.

CREATE TABLE purges (
    batch_id         INTEGER PRIMARY KEY REFERENCES batches,
    at               INTEGER NOT NULL,
    why              TEXT    NOT NULL, -- a person's reason, and who it was
    -- What it had credited then: the guard against repeated payments looks only where that can matter.
    credited_rows    INTEGER NOT NULL CHECK (credited_rows >= 0),
    last_credited_at INTEGER,
    -- Tells another key from the one that the hashes were made with.
    key_check        BLOB    NOT NULL CHECK (length(key_check) = 32),
    -- SHA-256 of all that is left: the plan's own seal can no longer be computed.
    sha256           BLOB    NOT NULL CHECK (length(sha256) = 32)
) STRICT;

-- Events that lost their note, each with the SHA-256 that it had with it and that the next event carries.
CREATE TABLE redacted_events (
    event_id INTEGER PRIMARY KEY REFERENCES events,
    sha256   BLOB    NOT NULL CHECK (length(sha256) = 32)
) STRICT;

CREATE TRIGGER purges_are_never_changed BEFORE UPDATE ON purges
    BEGIN SELECT RAISE(ABORT, 'a purge is never changed'); END;
CREATE TRIGGER purges_are_never_removed BEFORE DELETE ON purges
    BEGIN SELECT RAISE(ABORT, 'a purge is never removed'); END;
CREATE TRIGGER redacted_events_are_never_changed BEFORE UPDATE ON redacted_events
    BEGIN SELECT RAISE(ABORT, 'a redacted event is never changed'); END;
CREATE TRIGGER redacted_events_are_never_removed BEFORE DELETE ON redacted_events
    BEGIN SELECT RAISE(ABORT, 'a redacted event is never removed'); END;
