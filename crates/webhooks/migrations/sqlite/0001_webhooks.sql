-- The place of the feed: the last number that an event got, which is never given again.
CREATE TABLE feed (
    feed_id       INTEGER PRIMARY KEY,
    last_sequence INTEGER NOT NULL,
    CONSTRAINT feed_one CHECK (feed_id = 1)
) STRICT;

INSERT INTO feed VALUES (1, 0);

-- How far each service's outbox has been read: moves in the commit of what was read.
CREATE TABLE sources (
    source TEXT NOT NULL,
    number INTEGER NOT NULL,
    CONSTRAINT sources_pk PRIMARY KEY (source)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    event_id BLOB NOT NULL,
    kind     TEXT NOT NULL,
    data     TEXT NOT NULL,
    at_ms    INTEGER NOT NULL,
    CONSTRAINT events_event_id_length CHECK (length(event_id) = 16)
) STRICT;

CREATE INDEX events_by_time ON events (at_ms);

CREATE TABLE webhooks (
    webhook_id       BLOB NOT NULL,
    url              TEXT NOT NULL,
    kinds            TEXT NOT NULL,
    description      TEXT NOT NULL,
    status           TEXT NOT NULL,
    disabled_reason  TEXT,
    secret           BLOB NOT NULL,
    former_secret    BLOB,
    former_until_ms  INTEGER,
    told_sequence    INTEGER NOT NULL,
    failing_since_ms INTEGER,
    version          INTEGER NOT NULL,
    created_at_ms    INTEGER NOT NULL,
    updated_at_ms    INTEGER NOT NULL,
    owner            BLOB,
    owned_until_ms   INTEGER NOT NULL,
    CONSTRAINT webhooks_pk PRIMARY KEY (webhook_id),
    CONSTRAINT webhooks_id_length CHECK (length(webhook_id) = 16),
    CONSTRAINT webhooks_status_known CHECK (status IN ('enabled', 'disabled')),
    CONSTRAINT webhooks_former_whole CHECK ((former_secret IS NULL) = (former_until_ms IS NULL)),
    CONSTRAINT webhooks_version_positive CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
    delivery_id   BLOB NOT NULL,
    webhook_id    BLOB NOT NULL,
    event_id      BLOB NOT NULL,
    sequence      INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    data          TEXT NOT NULL,
    at_ms         INTEGER NOT NULL,
    status        TEXT NOT NULL,
    tries         INTEGER NOT NULL,
    due_at_ms     INTEGER NOT NULL,
    answer_status INTEGER,
    error         TEXT,
    created_at_ms INTEGER NOT NULL,
    ended_at_ms   INTEGER,
    CONSTRAINT deliveries_pk PRIMARY KEY (delivery_id),
    CONSTRAINT deliveries_webhook FOREIGN KEY (webhook_id) REFERENCES webhooks (webhook_id) ON DELETE CASCADE,
    CONSTRAINT deliveries_status_known CHECK (status IN ('pending', 'delivered', 'failed')),
    CONSTRAINT deliveries_ended CHECK ((status = 'pending') = (ended_at_ms IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (webhook_id, due_at_ms, delivery_id) WHERE status = 'pending';
CREATE INDEX deliveries_log ON deliveries (webhook_id, delivery_id);
CREATE INDEX deliveries_by_time ON deliveries (created_at_ms);
