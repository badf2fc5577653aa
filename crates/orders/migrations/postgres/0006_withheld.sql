-- Units that a refund put back on sale before they were sent: they go into no parcel any more. Whoever writes here has
-- locked the order's row and looked, in the same write, that they were sold and not sent.
CREATE TABLE withheld_lines (
    order_number BIGINT NOT NULL,
    refund_id    UUID NOT NULL,
    line_number  BIGINT NOT NULL,
    quantity     BIGINT NOT NULL,
    CONSTRAINT withheld_lines_pk PRIMARY KEY (order_number, refund_id, line_number),
    CONSTRAINT withheld_lines_line FOREIGN KEY (order_number, line_number)
        REFERENCES order_lines (order_number, line_number),
    CONSTRAINT withheld_lines_quantity_positive CHECK (quantity > 0)
);
