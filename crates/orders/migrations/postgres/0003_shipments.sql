-- What was sent of an order, a parcel at a time. Whoever writes here has locked the order's row and looked, in the same
-- write, that no line is sent more often than it was sold.
CREATE TABLE shipments (
    order_number    BIGINT NOT NULL,
    shipment_number BIGINT NOT NULL,
    shipment_id     UUID NOT NULL,
    carrier         TEXT,
    tracking        TEXT,
    tracking_url    TEXT,
    at_ms           BIGINT NOT NULL,
    CONSTRAINT shipments_pk PRIMARY KEY (order_number, shipment_number),
    CONSTRAINT shipments_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
);

CREATE TABLE shipment_lines (
    order_number    BIGINT NOT NULL,
    shipment_number BIGINT NOT NULL,
    line_number     BIGINT NOT NULL,
    quantity        BIGINT NOT NULL,
    CONSTRAINT shipment_lines_pk PRIMARY KEY (order_number, shipment_number, line_number),
    CONSTRAINT shipment_lines_shipment FOREIGN KEY (order_number, shipment_number)
        REFERENCES shipments (order_number, shipment_number),
    CONSTRAINT shipment_lines_line FOREIGN KEY (order_number, line_number)
        REFERENCES order_lines (order_number, line_number),
    CONSTRAINT shipment_lines_quantity_positive CHECK (quantity > 0)
);
