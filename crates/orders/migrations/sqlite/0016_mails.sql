-- Mails that are owed to buyers. What they say is made when they go: no address and no token rests here.
CREATE TABLE order_mails (
    mail_number   INTEGER PRIMARY KEY,
    mail_id       BLOB NOT NULL,
    order_number  INTEGER NOT NULL,
    kind          TEXT NOT NULL,
    -- The parcel or the refund that it tells of.
    subject_id    BLOB,
    tries         INTEGER NOT NULL,
    due_at_ms     INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    CONSTRAINT order_mails_id_unique UNIQUE (mail_id),
    CONSTRAINT order_mails_order FOREIGN KEY (order_number) REFERENCES orders (order_number),
    CONSTRAINT order_mails_id_length CHECK (length(mail_id) = 16),
    CONSTRAINT order_mails_subject_length CHECK (length(subject_id) = 16),
    CONSTRAINT order_mails_tries_not_negative CHECK (tries >= 0)
) STRICT;

CREATE INDEX order_mails_by_due ON order_mails (due_at_ms);
CREATE INDEX order_mails_by_order ON order_mails (order_number);

-- The number up to which the outbox was read for what mails tell of. What was committed before is told to nobody.
CREATE TABLE order_mails_place (
    place_id INTEGER PRIMARY KEY,
    number   INTEGER NOT NULL,
    CONSTRAINT order_mails_place_single CHECK (place_id = 1)
) STRICT;

INSERT INTO order_mails_place (place_id, number) SELECT 1, COALESCE(MAX(event_number), 0) FROM outbox;
