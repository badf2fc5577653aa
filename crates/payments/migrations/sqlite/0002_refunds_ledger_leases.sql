-- Payments learn to wait for a proof of the buyer, to be given back in parts, and to be worked at under a lease.
-- SQLite cannot change a CHECK, so the table is made anew.
CREATE TABLE payments_next (
    payment_number   INTEGER PRIMARY KEY,
    payment_id       BLOB NOT NULL,
    order_id         BLOB NOT NULL,
    fingerprint      BLOB NOT NULL,
    version          INTEGER NOT NULL,
    status           TEXT NOT NULL,
    amount_minor     INTEGER NOT NULL,
    currency         TEXT NOT NULL,
    method           TEXT NOT NULL,
    reference        TEXT,
    decline_code     TEXT,
    action_url       TEXT,
    action_due_at_ms INTEGER,
    void_wanted      INTEGER NOT NULL DEFAULT 0,
    late             INTEGER NOT NULL DEFAULT 0,
    refunding_minor  INTEGER NOT NULL DEFAULT 0,
    refunded_minor   INTEGER NOT NULL DEFAULT 0,
    owner            TEXT,
    fence            INTEGER NOT NULL DEFAULT 0,
    tries            INTEGER NOT NULL DEFAULT 0,
    next_try_at_ms   INTEGER NOT NULL,
    parked_at_ms     INTEGER,
    reason           TEXT,
    told_at_ms       INTEGER,
    created_at_ms    INTEGER NOT NULL,
    updated_at_ms    INTEGER NOT NULL,
    CONSTRAINT payments_id_unique UNIQUE (payment_id),
    CONSTRAINT payments_id_length CHECK (length(payment_id) = 16),
    CONSTRAINT payments_order_id_length CHECK (length(order_id) = 16),
    CONSTRAINT payments_fingerprint_length CHECK (length(fingerprint) = 32),
    CONSTRAINT payments_version_from_one CHECK (version >= 1),
    CONSTRAINT payments_amount_not_negative CHECK (amount_minor >= 0),
    CONSTRAINT payments_currency_length CHECK (length(currency) = 3),
    CONSTRAINT payments_status_known CHECK (
        status IN ('pending', 'requires_action', 'authorised', 'captured', 'declined', 'voided', 'refunded')
    ),
    CONSTRAINT payments_reference_fits CHECK (
        CASE status
            WHEN 'voided' THEN 1
            ELSE (reference IS NOT NULL)
                 = (status IN ('requires_action', 'authorised', 'captured', 'refunded'))
        END
    ),
    CONSTRAINT payments_decline_code_fits CHECK ((decline_code IS NOT NULL) = (status = 'declined')),
    CONSTRAINT payments_action_fits CHECK (
        (action_url IS NOT NULL) = (status = 'requires_action')
        AND (action_due_at_ms IS NOT NULL) = (status = 'requires_action')
    ),
    -- What is given back is bounded by what was taken, whoever asks and however many at once.
    CONSTRAINT payments_refunds_bounded CHECK (
        0 <= refunded_minor AND refunded_minor <= refunding_minor AND refunding_minor <= amount_minor
    ),
    CONSTRAINT payments_refunds_of_captured CHECK (
        refunding_minor = 0 OR status IN ('captured', 'refunded')
    ),
    CONSTRAINT payments_refunded_whole CHECK (status <> 'refunded' OR refunded_minor = amount_minor),
    CONSTRAINT payments_told_when_ended CHECK (
        told_at_ms IS NULL OR status NOT IN ('pending', 'requires_action', 'authorised')
    )
) STRICT;

INSERT INTO payments_next (payment_number, payment_id, order_id, fingerprint, version, status, amount_minor, currency,
                           method, reference, decline_code, refunding_minor, refunded_minor, tries,
                           next_try_at_ms, told_at_ms, created_at_ms, updated_at_ms)
SELECT payment_number, payment_id, order_id, fingerprint, version, status, amount_minor, currency,
       method, reference, decline_code, iif(refund_wanted = 1, amount_minor, 0),
       iif(status = 'refunded', amount_minor, 0), tries,
       next_try_at_ms, iif(status = 'captured' AND refund_wanted = 1, updated_at_ms, told_at_ms),
       created_at_ms, updated_at_ms
  FROM payments;

-- Each time the money of an order is given back. Decided and counted first; then the provider, the shelf, the order.
CREATE TABLE refunds (
    refund_number  INTEGER PRIMARY KEY,
    refund_id      BLOB NOT NULL,
    payment_id     BLOB NOT NULL,
    order_id       BLOB NOT NULL,
    fingerprint    BLOB NOT NULL,
    version        INTEGER NOT NULL,
    stage          TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    reference      TEXT NOT NULL,
    -- Whether nothing of the payment was left once this was given back.
    whole          INTEGER NOT NULL DEFAULT 0,
    reason         TEXT,
    actor          TEXT NOT NULL,
    owner          TEXT,
    fence          INTEGER NOT NULL DEFAULT 0,
    tries          INTEGER NOT NULL DEFAULT 0,
    next_try_at_ms INTEGER NOT NULL,
    parked_at_ms   INTEGER,
    waits_for      TEXT,
    created_at_ms  INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    CONSTRAINT refunds_id_unique UNIQUE (refund_id),
    CONSTRAINT refunds_id_length CHECK (length(refund_id) = 16),
    CONSTRAINT refunds_fingerprint_length CHECK (length(fingerprint) = 32),
    CONSTRAINT refunds_version_from_one CHECK (version >= 1),
    CONSTRAINT refunds_stage_known CHECK (stage IN ('decided', 'booked', 'restocked', 'noted')),
    CONSTRAINT refunds_amount_not_negative CHECK (amount_minor >= 0),
    CONSTRAINT refunds_currency_length CHECK (length(currency) = 3)
) STRICT;

CREATE INDEX refunds_by_payment ON refunds (payment_id, refund_id);
CREATE INDEX refunds_open ON refunds (next_try_at_ms) WHERE stage <> 'noted' AND parked_at_ms IS NULL;

CREATE TABLE refund_items (
    refund_id  BLOB NOT NULL,
    payment_id BLOB NOT NULL,
    variant_id BLOB NOT NULL,
    quantity   INTEGER NOT NULL,
    CONSTRAINT refund_items_pk PRIMARY KEY (refund_id, variant_id),
    CONSTRAINT refund_items_refund FOREIGN KEY (refund_id) REFERENCES refunds (refund_id),
    CONSTRAINT refund_items_quantity_positive CHECK (quantity > 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX refund_items_by_payment ON refund_items (payment_id, variant_id);

-- What an earlier release gave back, or was to: all of a payment.
INSERT INTO refunds (refund_id, payment_id, order_id, fingerprint, version, stage, amount_minor, currency, reference,
                     whole, actor, next_try_at_ms, created_at_ms, updated_at_ms)
SELECT randomblob(16), payment_id, order_id, zeroblob(32), 1,
       CASE WHEN status = 'captured' THEN 'decided' WHEN told_at_ms IS NULL THEN 'booked' ELSE 'noted' END,
       amount_minor, currency, reference, 1, 'system', next_try_at_ms, updated_at_ms, updated_at_ms
  FROM payments
 WHERE refund_wanted = 1;

DROP TABLE payments;
ALTER TABLE payments_next RENAME TO payments;

-- No order is charged twice: one payment of an order is under way or has taken the money. Money that came late, for
-- an order that no longer wanted it, is on its way back.
CREATE UNIQUE INDEX payments_one_per_order
    ON payments (order_id)
 WHERE status IN ('pending', 'requires_action', 'authorised', 'captured') AND late = 0;

CREATE INDEX payments_by_order ON payments (order_id, payment_id);

-- What the sweeper looks for: everything whose order does not know the end yet.
CREATE INDEX payments_open ON payments (next_try_at_ms) WHERE told_at_ms IS NULL AND parked_at_ms IS NULL;
CREATE INDEX payments_unended ON payments (payment_id) WHERE told_at_ms IS NULL;
CREATE INDEX refunds_unended ON refunds (refund_id) WHERE stage <> 'noted';

-- Money in double entry: every transaction sums to zero, every entry carries the hash of the one before.
CREATE TABLE ledger_entries (
    entry_number   INTEGER PRIMARY KEY,
    transaction_id BLOB NOT NULL,
    account        TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    at_ms          INTEGER NOT NULL,
    hash           BLOB NOT NULL,
    CONSTRAINT ledger_entries_once UNIQUE (transaction_id, account),
    CONSTRAINT ledger_entries_transaction_length CHECK (length(transaction_id) = 16),
    CONSTRAINT ledger_entries_hash_length CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER ledger_entries_never_change BEFORE UPDATE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'ledger_entries only grows');
END;

CREATE TRIGGER ledger_entries_never_go BEFORE DELETE ON ledger_entries
BEGIN
    SELECT RAISE(ABORT, 'ledger_entries only grows');
END;

CREATE TABLE ledger_accounts (
    account       TEXT NOT NULL,
    currency      TEXT NOT NULL,
    balance_minor INTEGER NOT NULL,
    CONSTRAINT ledger_accounts_pk PRIMARY KEY (account, currency),
    CONSTRAINT ledger_accounts_cash_not_negative CHECK (account NOT LIKE 'cash:%' OR balance_minor >= 0)
) STRICT, WITHOUT ROWID;

-- Providers' callbacks, kept before they are worked off. Their content is a hint: the provider is asked.
CREATE TABLE callbacks (
    callback_number INTEGER PRIMARY KEY,
    event_id        TEXT NOT NULL,
    key             TEXT NOT NULL,
    body            TEXT NOT NULL,
    tries           INTEGER NOT NULL DEFAULT 0,
    next_try_at_ms  INTEGER NOT NULL,
    received_at_ms  INTEGER NOT NULL,
    done_at_ms      INTEGER,
    CONSTRAINT callbacks_event_unique UNIQUE (event_id)
) STRICT;

CREATE INDEX callbacks_open ON callbacks (next_try_at_ms) WHERE done_at_ms IS NULL;
CREATE INDEX callbacks_by_age ON callbacks (received_at_ms);

-- What somebody should look at. It was made safe already.
CREATE TABLE reviews (
    review_number INTEGER PRIMARY KEY,
    kind          TEXT NOT NULL,
    subject       TEXT NOT NULL,
    detail        TEXT NOT NULL,
    at_ms         INTEGER NOT NULL,
    CONSTRAINT reviews_once UNIQUE (kind, subject)
) STRICT;

-- How far the provider's books were compared with ours.
CREATE TABLE reconciliation (
    provider     TEXT NOT NULL,
    charge_after INTEGER NOT NULL,
    CONSTRAINT reconciliation_pk PRIMARY KEY (provider)
) STRICT, WITHOUT ROWID;
