-- Mails that are owed. What they say is made when they go: no secret of theirs rests here.
CREATE TABLE mails (
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
    CONSTRAINT mails_kind_known CHECK (kind IN ('password_changed', 'reset_password', 'verify_email')),
    CONSTRAINT mails_tries_not_negative CHECK (tries >= 0)
) STRICT;

CREATE INDEX mails_by_due ON mails (due_at_ms);
CREATE INDEX mails_by_user ON mails (user_id);
