-- What people of the shop wrote down about an order. What is for the customer is shown to them.
CREATE TABLE order_notes (
    order_number BIGINT NOT NULL,
    note_number  BIGINT NOT NULL,
    note_id      UUID NOT NULL,
    text         TEXT NOT NULL,
    for_customer BOOLEAN NOT NULL,
    author       TEXT NOT NULL,
    at_ms        BIGINT NOT NULL,
    CONSTRAINT order_notes_pk PRIMARY KEY (order_number, note_number),
    CONSTRAINT order_notes_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
);
