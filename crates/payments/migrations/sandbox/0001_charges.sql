CREATE TABLE charges (
    charge_number INTEGER PRIMARY KEY,
    key           TEXT NOT NULL,
    method        TEXT NOT NULL,
    amount_minor  INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    state         TEXT NOT NULL,
    made_at_ms    INTEGER NOT NULL,
    CONSTRAINT charges_key_unique UNIQUE (key),
    CONSTRAINT charges_amount_not_negative CHECK (amount_minor >= 0),
    CONSTRAINT charges_state_known CHECK (
        state IN ('authorised', 'captured', 'voided', 'refunded', 'declined')
    )
) STRICT;

-- Every state a charge ever reached, each once: only added to.
CREATE TABLE entries (
    entry_number  INTEGER PRIMARY KEY,
    charge_number INTEGER NOT NULL,
    state         TEXT NOT NULL,
    key           TEXT NOT NULL,
    at_ms         INTEGER NOT NULL,
    CONSTRAINT entries_charge FOREIGN KEY (charge_number) REFERENCES charges (charge_number),
    CONSTRAINT entries_once UNIQUE (charge_number, state)
) STRICT;
