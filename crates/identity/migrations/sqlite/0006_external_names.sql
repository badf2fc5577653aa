-- Whom a provider of identities calls what: one person of a provider's is one account's.
CREATE TABLE external_names (
    name_number  INTEGER PRIMARY KEY,
    user_id      BLOB NOT NULL,
    issuer       TEXT NOT NULL,
    subject      TEXT NOT NULL,
    linked_at_ms INTEGER NOT NULL,
    CONSTRAINT external_names_subject_unique UNIQUE (issuer, subject),
    CONSTRAINT external_names_user_unique UNIQUE (user_id, issuer),
    CONSTRAINT external_names_user FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT external_names_subject_length CHECK (length(subject) BETWEEN 1 AND 255)
) STRICT;

-- Attempts to sign in by a provider that were used: each is good once.
CREATE TABLE external_attempts (
    attempt_number INTEGER PRIMARY KEY,
    attempt_hash   BLOB NOT NULL,
    expires_at_ms  INTEGER NOT NULL,
    CONSTRAINT external_attempts_hash_unique UNIQUE (attempt_hash),
    CONSTRAINT external_attempts_hash_length CHECK (length(attempt_hash) = 32)
) STRICT;

CREATE INDEX external_attempts_by_expiry ON external_attempts (expires_at_ms);
