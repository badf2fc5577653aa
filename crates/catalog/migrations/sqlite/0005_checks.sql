-- What a row may say is checked without IN (...), for which SQLite fills a table of its own with the words, for each row
-- that is written. The rows stay as they are.
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
        CHECK (state = 'open' OR state = 'committed' OR state = 'released' OR state = 'expired'
               OR state = 'returned'),
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

-- It went with its table.
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
