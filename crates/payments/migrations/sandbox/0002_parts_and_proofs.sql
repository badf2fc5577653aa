-- Charges that wait for a proof, are given back in parts, and are called back about.
CREATE TABLE charges_next (
    charge_number  INTEGER PRIMARY KEY,
    key            TEXT NOT NULL,
    method         TEXT NOT NULL,
    amount_minor   INTEGER NOT NULL,
    -- What was asked for; a provider that errs holds another amount.
    asked_minor    INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    state          TEXT NOT NULL,
    captured_minor INTEGER NOT NULL DEFAULT 0,
    refunded_minor INTEGER NOT NULL DEFAULT 0,
    proof          TEXT,
    made_at_ms     INTEGER NOT NULL,
    CONSTRAINT charges_key_unique UNIQUE (key),
    CONSTRAINT charges_proof_unique UNIQUE (proof),
    CONSTRAINT charges_amount_not_negative CHECK (amount_minor >= 0),
    CONSTRAINT charges_refunds_bounded CHECK (0 <= refunded_minor AND refunded_minor <= captured_minor),
    CONSTRAINT charges_state_known CHECK (
        state IN ('challenged', 'authorised', 'captured', 'voided', 'declined')
    )
) STRICT;

INSERT INTO charges_next (charge_number, key, method, amount_minor, asked_minor, currency, state, captured_minor,
                          refunded_minor, made_at_ms)
SELECT charge_number, key, method, amount_minor, amount_minor, currency, iif(state = 'refunded', 'captured', state),
       iif(state IN ('captured', 'refunded'), amount_minor, 0), iif(state = 'refunded', amount_minor, 0), made_at_ms
  FROM charges;

-- Everything a charge went through, each once for its key: only added to.
CREATE TABLE entries_next (
    entry_number  INTEGER PRIMARY KEY,
    charge_number INTEGER NOT NULL,
    state         TEXT NOT NULL,
    key           TEXT NOT NULL,
    amount_minor  INTEGER NOT NULL,
    at_ms         INTEGER NOT NULL,
    CONSTRAINT entries_charge FOREIGN KEY (charge_number) REFERENCES charges_next (charge_number),
    CONSTRAINT entries_once UNIQUE (charge_number, state, key)
) STRICT;

INSERT INTO entries_next (entry_number, charge_number, state, key, amount_minor, at_ms)
SELECT e.entry_number, e.charge_number, e.state, e.key, c.amount_minor, e.at_ms
  FROM entries e
  JOIN charges c ON c.charge_number = e.charge_number;

DROP TABLE entries;
DROP TABLE charges;
ALTER TABLE charges_next RENAME TO charges;
ALTER TABLE entries_next RENAME TO entries;

-- What the shop is called back about, until it has answered.
CREATE TABLE callbacks (
    callback_number INTEGER PRIMARY KEY,
    event_id        TEXT NOT NULL,
    key             TEXT NOT NULL,
    kind            TEXT NOT NULL,
    tries           INTEGER NOT NULL DEFAULT 0,
    next_try_at_ms  INTEGER NOT NULL,
    at_ms           INTEGER NOT NULL,
    CONSTRAINT callbacks_event_unique UNIQUE (event_id)
) STRICT;

CREATE TABLE secrets (
    name  TEXT NOT NULL,
    value BLOB NOT NULL,
    CONSTRAINT secrets_pk PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
