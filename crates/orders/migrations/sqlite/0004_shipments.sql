-- What was sent of an order, a parcel at a time. Whoever writes here has looked, in the same write, that no line is
-- sent more often than it was sold.
CREATE TABLE shipments (
    order_number    INTEGER NOT NULL,
    shipment_number INTEGER NOT NULL,
    shipment_id     BLOB NOT NULL,
    carrier         TEXT,
    tracking        TEXT,
    tracking_url    TEXT,
    at_ms           INTEGER NOT NULL,
    CONSTRAINT shipments_pk PRIMARY KEY (order_number, shipment_number),
    CONSTRAINT shipments_id_length CHECK (length(shipment_id) = 16),
    CONSTRAINT shipments_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE shipment_lines (
    order_number    INTEGER NOT NULL,
    shipment_number INTEGER NOT NULL,
    line_number     INTEGER NOT NULL,
    quantity        INTEGER NOT NULL,
    CONSTRAINT shipment_lines_pk PRIMARY KEY (order_number, shipment_number, line_number),
    CONSTRAINT shipment_lines_shipment FOREIGN KEY (order_number, shipment_number)
        REFERENCES shipments (order_number, shipment_number),
    CONSTRAINT shipment_lines_line FOREIGN KEY (order_number, line_number)
        REFERENCES order_lines (order_number, line_number),
    CONSTRAINT shipment_lines_quantity_positive CHECK (quantity > 0)
) STRICT, WITHOUT ROWID;
