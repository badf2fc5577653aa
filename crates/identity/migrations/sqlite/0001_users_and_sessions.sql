CREATE TABLE users (
    user_number         INTEGER PRIMARY KEY,
    user_id             BLOB NOT NULL,
    email               TEXT,
    email_key           TEXT,
    username            TEXT,
    username_key        TEXT,
    name                TEXT,
    password_hash       TEXT,
    roles               TEXT NOT NULL,
    version             INTEGER NOT NULL,
    token_epoch         INTEGER NOT NULL,
    epoch_changed_at_ms INTEGER NOT NULL,
    created_at_ms       INTEGER NOT NULL,
    disabled_at_ms      INTEGER,
    deleted_at_ms       INTEGER,
    CONSTRAINT users_id_unique UNIQUE (user_id),
    CONSTRAINT users_email_unique UNIQUE (email_key),
    CONSTRAINT users_username_unique UNIQUE (username_key),
    CONSTRAINT users_id_length CHECK (length(user_id) = 16),
    CONSTRAINT users_roles_known CHECK (
        roles IN ('customer', 'customer,merchant', 'customer,admin', 'customer,merchant,admin')
    ),
    CONSTRAINT users_version_from_one CHECK (version >= 1),
    CONSTRAINT users_epoch_not_negative CHECK (token_epoch >= 0),
    CONSTRAINT users_email_with_key CHECK ((email IS NULL) = (email_key IS NULL)),
    CONSTRAINT users_username_with_key CHECK ((username IS NULL) = (username_key IS NULL)),
    -- A living account has a name to sign in by and a password; of a deleted one only the id is left.
    CONSTRAINT users_living_or_erased CHECK (
        CASE WHEN deleted_at_ms IS NULL
             THEN password_hash IS NOT NULL AND COALESCE(email_key, username_key) IS NOT NULL
             ELSE COALESCE(email, username, name, password_hash) IS NULL AND roles = 'customer'
        END
    )
) STRICT;

CREATE INDEX users_by_roles ON users (roles);
CREATE INDEX users_by_epoch_change ON users (epoch_changed_at_ms) WHERE token_epoch > 0;

CREATE TABLE sessions (
    session_number  INTEGER PRIMARY KEY,
    session_id      BLOB NOT NULL,
    user_id         BLOB NOT NULL,
    generation      INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    refreshed_at_ms INTEGER NOT NULL,
    expires_at_ms   INTEGER NOT NULL,
    ended_at_ms     INTEGER,
    end_reason      TEXT,
    CONSTRAINT sessions_id_unique UNIQUE (session_id),
    CONSTRAINT sessions_user FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT sessions_id_length CHECK (length(session_id) = 16),
    CONSTRAINT sessions_generation_from_one CHECK (generation >= 1),
    CONSTRAINT sessions_end_reason_known CHECK (end_reason IN ('logout', 'reuse', 'password', 'deleted')),
    CONSTRAINT sessions_end_with_reason CHECK ((ended_at_ms IS NULL) = (end_reason IS NULL))
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (ended_at_ms) WHERE ended_at_ms IS NOT NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at_ms);

CREATE TABLE refresh_tokens (
    token_number  INTEGER PRIMARY KEY,
    token_hash    BLOB NOT NULL,
    session_id    BLOB NOT NULL,
    generation    INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    used_at_ms    INTEGER,
    CONSTRAINT refresh_tokens_hash_unique UNIQUE (token_hash),
    -- One token has one successor.
    CONSTRAINT refresh_tokens_generation_unique UNIQUE (session_id, generation),
    CONSTRAINT refresh_tokens_session FOREIGN KEY (session_id) REFERENCES sessions (session_id) ON DELETE CASCADE,
    CONSTRAINT refresh_tokens_hash_length CHECK (length(token_hash) = 32)
) STRICT;

CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at_ms);

CREATE TABLE signing_keys (
    kid           TEXT NOT NULL,
    pkcs8         BLOB NOT NULL,
    public_x      TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    retired_at_ms INTEGER,
    CONSTRAINT signing_keys_pk PRIMARY KEY (kid)
) STRICT;

CREATE TABLE server_secrets (
    name          TEXT NOT NULL,
    secret        BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    CONSTRAINT server_secrets_pk PRIMARY KEY (name),
    CONSTRAINT server_secrets_length CHECK (length(secret) = 32)
) STRICT;

CREATE TABLE setup_tokens (
    setup_id      INTEGER PRIMARY KEY,
    token_hash    BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    used_at_ms    INTEGER,
    CONSTRAINT setup_tokens_single CHECK (setup_id = 1),
    CONSTRAINT setup_tokens_hash_length CHECK (length(token_hash) = 32)
) STRICT;
