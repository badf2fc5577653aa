-- The place of the feed: the last number that an event got, which is never given again. Whoever numbers events locks it
-- first, so that numbers are seen in their order.
CREATE TABLE feed (
    feed_id       BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    CONSTRAINT feed_pk PRIMARY KEY (feed_id),
    CONSTRAINT feed_one CHECK (feed_id = 1)
);

INSERT INTO feed VALUES (1, 0);

-- How far each service's outbox has been read: moves in the commit of what was read.
CREATE TABLE sources (
    source TEXT NOT NULL,
    number BIGINT NOT NULL,
    CONSTRAINT sources_pk PRIMARY KEY (source)
);

CREATE TABLE events (
    sequence BIGINT NOT NULL,
    event_id UUID NOT NULL,
    kind     TEXT NOT NULL,
    data     TEXT NOT NULL,
    at_ms    BIGINT NOT NULL,
    CONSTRAINT events_pk PRIMARY KEY (sequence)
);

CREATE INDEX events_by_time ON events (at_ms);

CREATE TABLE webhooks (
    webhook_id       UUID NOT NULL,
    url              TEXT NOT NULL,
    kinds            TEXT NOT NULL,
    description      TEXT NOT NULL,
    status           TEXT NOT NULL,
    disabled_reason  TEXT,
    secret           BYTEA NOT NULL,
    former_secret    BYTEA,
    former_until_ms  BIGINT,
    told_sequence    BIGINT NOT NULL,
    failing_since_ms BIGINT,
    version          BIGINT NOT NULL,
    created_at_ms    BIGINT NOT NULL,
    updated_at_ms    BIGINT NOT NULL,
    owner            UUID,
    owned_until_ms   BIGINT NOT NULL,
    CONSTRAINT webhooks_pk PRIMARY KEY (webhook_id),
    CONSTRAINT webhooks_status_known CHECK (status IN ('enabled', 'disabled')),
    CONSTRAINT webhooks_former_whole CHECK ((former_secret IS NULL) = (former_until_ms IS NULL)),
    CONSTRAINT webhooks_version_positive CHECK (version >= 1)
);

CREATE TABLE deliveries (
    delivery_id   UUID NOT NULL,
    webhook_id    UUID NOT NULL,
    event_id      UUID NOT NULL,
    sequence      BIGINT NOT NULL,
    kind          TEXT NOT NULL,
    data          TEXT NOT NULL,
    at_ms         BIGINT NOT NULL,
    status        TEXT NOT NULL,
    tries         BIGINT NOT NULL,
    due_at_ms     BIGINT NOT NULL,
    answer_status BIGINT,
    error         TEXT,
    created_at_ms BIGINT NOT NULL,
    ended_at_ms   BIGINT,
    CONSTRAINT deliveries_pk PRIMARY KEY (delivery_id),
    CONSTRAINT deliveries_webhook FOREIGN KEY (webhook_id) REFERENCES webhooks (webhook_id) ON DELETE CASCADE,
    CONSTRAINT deliveries_status_known CHECK (status IN ('pending', 'delivered', 'failed')),
    CONSTRAINT deliveries_ended CHECK ((status = 'pending') = (ended_at_ms IS NULL))
);

CREATE INDEX deliveries_due ON deliveries (webhook_id, due_at_ms, delivery_id) WHERE status = 'pending';
CREATE INDEX deliveries_log ON deliveries (webhook_id, delivery_id);
CREATE INDEX deliveries_by_time ON deliveries (created_at_ms);
