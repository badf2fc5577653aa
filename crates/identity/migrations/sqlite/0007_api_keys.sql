-- API keys for machines: the hash of each one's text, and of the one before while it is still good.
CREATE TABLE api_keys (
    key_number      INTEGER PRIMARY KEY,
    key_id          BLOB NOT NULL,
    user_id         BLOB NOT NULL,
    name            TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    secret_hash     BLOB NOT NULL,
    former_hash     BLOB,
    former_until_ms INTEGER,
    created_at_ms   INTEGER NOT NULL,
    rotated_at_ms   INTEGER NOT NULL,
    expires_at_ms   INTEGER,
    revoked_at_ms   INTEGER,
    last_used_at_ms INTEGER,
    last_used_from  TEXT,
    CONSTRAINT api_keys_id_unique UNIQUE (key_id),
    CONSTRAINT api_keys_user FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT api_keys_id_length CHECK (length(key_id) = 16),
    CONSTRAINT api_keys_hash_length CHECK (length(secret_hash) = 32),
    CONSTRAINT api_keys_former_length CHECK (length(former_hash) = 32),
    CONSTRAINT api_keys_former_ends CHECK ((former_hash IS NULL) = (former_until_ms IS NULL)),
    CONSTRAINT api_keys_used_from_somewhere CHECK ((last_used_at_ms IS NULL) = (last_used_from IS NULL)),
    CONSTRAINT api_keys_scopes_some CHECK (scopes <> '')
) STRICT;

CREATE INDEX api_keys_by_user ON api_keys (user_id, key_id);
CREATE INDEX api_keys_by_revocation ON api_keys (revoked_at_ms) WHERE revoked_at_ms IS NOT NULL;
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
