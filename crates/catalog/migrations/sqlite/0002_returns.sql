-- Units of a sold order that came back with a refund, while the rest stays sold. An order that comes back whole is
-- 'returned' instead: then what came back before is not taken twice.
CREATE TABLE reservation_returns (
    return_number      INTEGER PRIMARY KEY,
    reservation_number INTEGER NOT NULL,
    refund_id          BLOB NOT NULL,
    variant_number     INTEGER NOT NULL,
    quantity           INTEGER NOT NULL,
    actor              TEXT NOT NULL,
    at_ms              INTEGER NOT NULL,
    CONSTRAINT reservation_returns_once UNIQUE (refund_id, variant_number),
    CONSTRAINT reservation_returns_refund_length CHECK (length(refund_id) = 16),
    CONSTRAINT reservation_returns_quantity CHECK (quantity > 0),
    CONSTRAINT reservation_returns_reservation
        FOREIGN KEY (reservation_number) REFERENCES reservations (reservation_number),
    CONSTRAINT reservation_returns_variant FOREIGN KEY (variant_number) REFERENCES variants (variant_number)
) STRICT;

CREATE INDEX reservation_returns_by_reservation ON reservation_returns (reservation_number, variant_number);
CREATE INDEX reservation_returns_by_variant ON reservation_returns (variant_number, reservation_number);

CREATE TRIGGER reservation_returns_never_change BEFORE UPDATE ON reservation_returns
BEGIN
    SELECT RAISE(ABORT, 'reservation_returns only grows');
END;

CREATE TRIGGER reservation_returns_never_go BEFORE DELETE ON reservation_returns
BEGIN
    SELECT RAISE(ABORT, 'reservation_returns only grows');
END;
