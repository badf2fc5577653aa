-- What a user's app shares with the shop, sealed. It is on once a code of it was seen.
CREATE TABLE second_factors (
    factor_number   INTEGER PRIMARY KEY,
    user_id         BLOB NOT NULL,
    secret          BLOB NOT NULL,
    last_step       INTEGER NOT NULL,
    begun_at_ms     INTEGER NOT NULL,
    confirmed_at_ms INTEGER,
    CONSTRAINT second_factors_user_unique UNIQUE (user_id),
    CONSTRAINT second_factors_user FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT second_factors_secret_length CHECK (length(secret) = 48),
    CONSTRAINT second_factors_step_not_negative CHECK (last_step >= 0)
) STRICT;

CREATE INDEX second_factors_begun ON second_factors (begun_at_ms) WHERE confirmed_at_ms IS NULL;

-- The hashes of recovery codes that have not been used.
CREATE TABLE recovery_codes (
    code_number   INTEGER PRIMARY KEY,
    user_id       BLOB NOT NULL,
    code_hash     BLOB NOT NULL,
    created_at_ms INTEGER NOT NULL,
    CONSTRAINT recovery_codes_unique UNIQUE (user_id, code_hash),
    CONSTRAINT recovery_codes_user FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT recovery_codes_hash_length CHECK (length(code_hash) = 32)
) STRICT;

-- There are more kinds of mails. Which, the code knows that reads them: a list here would have to be made anew with the
-- whole table each time.
CREATE TABLE owed_mails (
    mail_number   INTEGER PRIMARY KEY,
    mail_id       BLOB NOT NULL,
    user_id       BLOB NOT NULL,
    kind          TEXT NOT NULL,
    tries         INTEGER NOT NULL,
    due_at_ms     INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    CONSTRAINT mails_id_unique UNIQUE (mail_id),
    CONSTRAINT mails_user FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT mails_id_length CHECK (length(mail_id) = 16),
    CONSTRAINT mails_kind_not_empty CHECK (length(kind) > 0),
    CONSTRAINT mails_tries_not_negative CHECK (tries >= 0)
) STRICT;

INSERT INTO owed_mails (mail_number, mail_id, user_id, kind, tries, due_at_ms, created_at_ms, expires_at_ms)
SELECT mail_number, mail_id, user_id, kind, tries, due_at_ms, created_at_ms, expires_at_ms FROM mails;

DROP TABLE mails;
ALTER TABLE owed_mails RENAME TO mails;

CREATE INDEX mails_by_due ON mails (due_at_ms);
CREATE INDEX mails_by_user ON mails (user_id);
