-- Links in mails: the hash of each one's token, and the address that it went to.
CREATE TABLE mail_links (
    link_number   INTEGER PRIMARY KEY,
    token_hash    BLOB NOT NULL,
    user_id       BLOB NOT NULL,
    kind          TEXT NOT NULL,
    email_key     TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    CONSTRAINT mail_links_hash_unique UNIQUE (token_hash),
    CONSTRAINT mail_links_user FOREIGN KEY (user_id) REFERENCES users (user_id),
    CONSTRAINT mail_links_hash_length CHECK (length(token_hash) = 32),
    CONSTRAINT mail_links_kind_known CHECK (kind IN ('reset_password', 'verify_email'))
) STRICT;

CREATE INDEX mail_links_by_user ON mail_links (user_id, kind);
CREATE INDEX mail_links_by_expiry ON mail_links (expires_at_ms);

-- When somebody proved that mails to this address reach them.
ALTER TABLE users ADD COLUMN verified_at_ms INTEGER;
