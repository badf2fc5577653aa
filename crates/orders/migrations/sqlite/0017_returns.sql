-- What was sent and comes back. Whoever writes here has looked, in the same write, that of no line more comes back than
-- was sent.
CREATE TABLE returns (
    order_number  INTEGER NOT NULL,
    return_number INTEGER NOT NULL,
    return_id     BLOB NOT NULL,
    status        TEXT NOT NULL,
    reason        TEXT NOT NULL,
    note          TEXT,
    refund_id     BLOB,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    CONSTRAINT returns_pk PRIMARY KEY (order_number, return_number),
    CONSTRAINT returns_id_length CHECK (length(return_id) = 16),
    CONSTRAINT returns_status_known
        CHECK (status IN ('requested', 'approved', 'refused', 'received', 'refunded')),
    CONSTRAINT returns_refund_length CHECK (length(refund_id) = 16),
    CONSTRAINT returns_received_has_a_refund
        CHECK ((status IN ('received', 'refunded')) = (refund_id IS NOT NULL)),
    CONSTRAINT returns_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE return_lines (
    order_number  INTEGER NOT NULL,
    return_number INTEGER NOT NULL,
    line_number   INTEGER NOT NULL,
    quantity      INTEGER NOT NULL,
    written_off   INTEGER NOT NULL,
    CONSTRAINT return_lines_pk PRIMARY KEY (order_number, return_number, line_number),
    CONSTRAINT return_lines_return FOREIGN KEY (order_number, return_number)
        REFERENCES returns (order_number, return_number),
    CONSTRAINT return_lines_line FOREIGN KEY (order_number, line_number)
        REFERENCES order_lines (order_number, line_number),
    CONSTRAINT return_lines_quantity_positive CHECK (quantity > 0),
    CONSTRAINT return_lines_written_off_known CHECK (written_off IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Units that were sent and that a refund brought back without a return.
CREATE TABLE came_back_lines (
    order_number INTEGER NOT NULL,
    refund_id    BLOB NOT NULL,
    line_number  INTEGER NOT NULL,
    quantity     INTEGER NOT NULL,
    CONSTRAINT came_back_lines_pk PRIMARY KEY (order_number, refund_id, line_number),
    CONSTRAINT came_back_lines_refund_length CHECK (length(refund_id) = 16),
    CONSTRAINT came_back_lines_line FOREIGN KEY (order_number, line_number)
        REFERENCES order_lines (order_number, line_number),
    CONSTRAINT came_back_lines_quantity_positive CHECK (quantity > 0)
) STRICT, WITHOUT ROWID;
