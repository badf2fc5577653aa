-- The audit log. Kinds and details are words of the code, whose lists grow with releases. An account is named by its id
-- alone and by no foreign key: what happened stays when it has gone, without the place.
CREATE TABLE security_events (
    event_number INTEGER PRIMARY KEY,
    event_id     BLOB NOT NULL,
    kind         TEXT NOT NULL,
    detail       TEXT,
    -- Refusals are many and are kept by a measure of their own.
    is_refusal   INTEGER NOT NULL,
    user_id      BLOB,
    actor        TEXT NOT NULL,
    actor_id     BLOB,
    session_id   BLOB,
    client       TEXT,
    request_id   TEXT,
    occurrences  INTEGER NOT NULL,
    at_ms        INTEGER NOT NULL,
    last_at_ms   INTEGER NOT NULL,
    CONSTRAINT security_events_id_unique UNIQUE (event_id),
    CONSTRAINT security_events_id_length CHECK (length(event_id) = 16),
    CONSTRAINT security_events_refusal_known CHECK (is_refusal IN (0, 1)),
    CONSTRAINT security_events_actor_known CHECK (actor IN ('user', 'nobody', 'system')),
    CONSTRAINT security_events_actor_with_id CHECK ((actor = 'user') = (actor_id IS NOT NULL)),
    CONSTRAINT security_events_occurrences_from_one CHECK (occurrences >= 1)
) STRICT;

CREATE INDEX security_events_by_time ON security_events (at_ms, event_id);
CREATE INDEX security_events_by_user ON security_events (user_id, at_ms, event_id);
CREATE INDEX security_events_by_kind ON security_events (kind, at_ms, event_id);
CREATE INDEX security_events_by_actor ON security_events (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX security_events_by_refusal ON security_events (is_refusal, at_ms);
