CREATE TABLE payments (
    payment_number INTEGER PRIMARY KEY,
    payment_id     BLOB NOT NULL,
    order_id       BLOB NOT NULL,
    fingerprint    BLOB NOT NULL,
    version        INTEGER NOT NULL,
    status         TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    method         TEXT NOT NULL,
    reference      TEXT,
    decline_code   TEXT,
    refund_wanted  INTEGER NOT NULL DEFAULT 0,
    tries          INTEGER NOT NULL DEFAULT 0,
    next_try_at_ms INTEGER NOT NULL,
    told_at_ms     INTEGER,
    created_at_ms  INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    CONSTRAINT payments_id_unique UNIQUE (payment_id),
    CONSTRAINT payments_id_length CHECK (length(payment_id) = 16),
    CONSTRAINT payments_order_id_length CHECK (length(order_id) = 16),
    CONSTRAINT payments_fingerprint_length CHECK (length(fingerprint) = 32),
    CONSTRAINT payments_version_from_one CHECK (version >= 1),
    CONSTRAINT payments_amount_not_negative CHECK (amount_minor >= 0),
    CONSTRAINT payments_currency_length CHECK (length(currency) = 3),
    CONSTRAINT payments_status_known CHECK (
        status IN ('pending', 'authorised', 'captured', 'declined', 'voided', 'refunded')
    ),
    CONSTRAINT payments_reference_fits CHECK (
        CASE status
            WHEN 'voided' THEN 1
            ELSE (reference IS NOT NULL) = (status IN ('authorised', 'captured', 'refunded'))
        END
    ),
    CONSTRAINT payments_decline_code_fits CHECK (
        (decline_code IS NOT NULL) = (status = 'declined')
    ),
    CONSTRAINT payments_refund_fits CHECK (
        CASE status
            WHEN 'captured' THEN refund_wanted IN (0, 1)
            WHEN 'refunded' THEN refund_wanted = 1
            ELSE refund_wanted = 0
        END
    ),
    CONSTRAINT payments_told_when_ended CHECK (
        told_at_ms IS NULL OR status NOT IN ('pending', 'authorised')
    )
) STRICT;

-- No order is charged twice: one payment of an order is under way or has taken the money.
CREATE UNIQUE INDEX payments_one_per_order
    ON payments (order_id)
 WHERE status IN ('pending', 'authorised', 'captured');

CREATE INDEX payments_by_order ON payments (order_id, payment_id);

-- What the sweeper looks for: everything whose order does not know the end yet.
CREATE INDEX payments_open
    ON payments (next_try_at_ms)
 WHERE told_at_ms IS NULL;
