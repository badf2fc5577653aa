CREATE TABLE outbox (
    event_number INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id     BLOB NOT NULL,
    name         TEXT NOT NULL,
    subject      TEXT NOT NULL,
    payload      TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    CONSTRAINT outbox_event_id_length CHECK (length(event_id) = 16)
) STRICT;

CREATE TABLE outbox_cursor (
    cursor_id        INTEGER PRIMARY KEY,
    delivered_number INTEGER NOT NULL,
    CONSTRAINT outbox_cursor_single CHECK (cursor_id = 1)
) STRICT;

INSERT INTO outbox_cursor (cursor_id, delivered_number) VALUES (1, 0);

CREATE TABLE outbox_parked (
    event_number   INTEGER PRIMARY KEY,
    subject        TEXT NOT NULL,
    tries          INTEGER NOT NULL,
    next_try_at_ms INTEGER NOT NULL,
    reason         TEXT NOT NULL,
    CONSTRAINT outbox_parked_event FOREIGN KEY (event_number) REFERENCES outbox (event_number)
) STRICT;

CREATE INDEX outbox_parked_by_subject ON outbox_parked (subject, event_number);

CREATE TABLE idempotency_keys (
    key_hash    BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    answer      TEXT NOT NULL,
    at_ms       INTEGER NOT NULL,
    CONSTRAINT idempotency_keys_pk PRIMARY KEY (key_hash),
    CONSTRAINT idempotency_keys_hash_length CHECK (length(key_hash) = 32)
) STRICT, WITHOUT ROWID;
