-- The index by an order's id, in two parts (ADR 23): new keys go into the small one and move into the large one
-- later, in the order of keys. A key is in one of them; `platform::db::sqlite::by_order` sees to it.
CREATE TABLE by_order_recent (
    order_id BLOB NOT NULL,
    number   INTEGER NOT NULL,
    CONSTRAINT by_order_recent_pk PRIMARY KEY (order_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE by_order_settled (
    order_id BLOB NOT NULL,
    number   INTEGER NOT NULL,
    CONSTRAINT by_order_settled_pk PRIMARY KEY (order_id)
) STRICT, WITHOUT ROWID;

INSERT INTO by_order_settled (order_id, number) SELECT order_id, reservation_number FROM reservations ORDER BY order_id;

CREATE VIEW by_order AS
    SELECT order_id, number FROM by_order_recent
     UNION ALL
    SELECT order_id, number FROM by_order_settled;

-- The rows stay as they are; only their own unique index goes, which SQLite gives up with nothing less than the table.
CREATE TABLE reservations_anew (
    reservation_number INTEGER PRIMARY KEY,
    order_id           BLOB NOT NULL,
    state              TEXT NOT NULL,
    fingerprint        BLOB NOT NULL,
    hold_until_at_ms   INTEGER NOT NULL,
    created_at_ms      INTEGER NOT NULL,
    resolved_at_ms     INTEGER,
    resolved_by        TEXT,
    returned_at_ms     INTEGER,
    returned_by        TEXT,
    CONSTRAINT reservations_order_length CHECK (length(order_id) = 16),
    CONSTRAINT reservations_state_known
        CHECK (state IN ('open', 'committed', 'released', 'expired', 'returned')),
    CONSTRAINT reservations_resolved_when_not_open CHECK ((state = 'open') = (resolved_at_ms IS NULL)),
    CONSTRAINT reservations_returned_when CHECK ((state = 'returned') = (returned_at_ms IS NOT NULL))
) STRICT;

INSERT INTO reservations_anew (reservation_number, order_id, state, fingerprint, hold_until_at_ms, created_at_ms,
                               resolved_at_ms, resolved_by, returned_at_ms, returned_by)
SELECT reservation_number, order_id, state, fingerprint, hold_until_at_ms, created_at_ms, resolved_at_ms,
       resolved_by, returned_at_ms, returned_by
  FROM reservations
 ORDER BY reservation_number;

DROP TABLE reservations;
ALTER TABLE reservations_anew RENAME TO reservations;

CREATE INDEX reservations_open ON reservations (hold_until_at_ms) WHERE state = 'open';

-- Which reservations have a variant. In the order of variants each line of an order would write another page, so the
-- database adds the lines of 8,192 reservations together, an eighth of the variants at a time, while the next 8,192 are
-- made. Those of the last 16,384 may not be in it yet.
DROP INDEX reservation_lines_by_variant;

CREATE TABLE reservations_by_variant (
    variant_number     INTEGER NOT NULL,
    reservation_number INTEGER NOT NULL,
    CONSTRAINT reservations_by_variant_pk PRIMARY KEY (variant_number, reservation_number)
) STRICT, WITHOUT ROWID;

INSERT OR IGNORE INTO reservations_by_variant (variant_number, reservation_number)
SELECT variant_number, reservation_number
  FROM reservation_lines
 WHERE reservation_number < (SELECT COALESCE(MAX(reservation_number), 0) / 8192 * 8192 FROM reservations)
 ORDER BY variant_number, reservation_number;

CREATE TRIGGER reservations_by_variant_grows AFTER INSERT ON reservations
WHEN NEW.reservation_number % 1024 = 0
BEGIN
    INSERT OR IGNORE INTO reservations_by_variant (variant_number, reservation_number)
    SELECT variant_number, reservation_number
      FROM reservation_lines
     WHERE reservation_number >= NEW.reservation_number / 8192 * 8192 - 8192
       AND reservation_number < NEW.reservation_number / 8192 * 8192
       AND variant_number % 8 = NEW.reservation_number / 1024 % 8
     ORDER BY variant_number, reservation_number;
END;
