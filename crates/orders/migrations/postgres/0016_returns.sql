-- What was sent and comes back. Whoever writes here has locked the order's row and looked, in the same write, that of no
-- line more comes back than was sent.
CREATE TABLE returns (
    order_number  BIGINT NOT NULL,
    return_number BIGINT NOT NULL,
    return_id     UUID NOT NULL,
    status        TEXT NOT NULL,
    reason        TEXT NOT NULL,
    note          TEXT,
    refund_id     UUID,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    CONSTRAINT returns_pk PRIMARY KEY (order_number, return_number),
    CONSTRAINT returns_status_known
        CHECK (status IN ('requested', 'approved', 'refused', 'received', 'refunded')),
    CONSTRAINT returns_received_has_a_refund
        CHECK ((status IN ('received', 'refunded')) = (refund_id IS NOT NULL)),
    CONSTRAINT returns_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
);

CREATE TABLE return_lines (
    order_number  BIGINT NOT NULL,
    return_number BIGINT NOT NULL,
    line_number   BIGINT NOT NULL,
    quantity      BIGINT NOT NULL,
    written_off   BOOLEAN NOT NULL,
    CONSTRAINT return_lines_pk PRIMARY KEY (order_number, return_number, line_number),
    CONSTRAINT return_lines_return FOREIGN KEY (order_number, return_number)
        REFERENCES returns (order_number, return_number),
    CONSTRAINT return_lines_line FOREIGN KEY (order_number, line_number)
        REFERENCES order_lines (order_number, line_number),
    CONSTRAINT return_lines_quantity_positive CHECK (quantity > 0)
);

-- Units that were sent and that a refund brought back without a return.
CREATE TABLE came_back_lines (
    order_number BIGINT NOT NULL,
    refund_id    UUID NOT NULL,
    line_number  BIGINT NOT NULL,
    quantity     BIGINT NOT NULL,
    CONSTRAINT came_back_lines_pk PRIMARY KEY (order_number, refund_id, line_number),
    CONSTRAINT came_back_lines_line FOREIGN KEY (order_number, line_number)
        REFERENCES order_lines (order_number, line_number),
    CONSTRAINT came_back_lines_quantity_positive CHECK (quantity > 0)
);
