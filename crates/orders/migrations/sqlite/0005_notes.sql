-- What people of the shop wrote down about an order. What is for the customer is shown to them.
CREATE TABLE order_notes (
    order_number INTEGER NOT NULL,
    note_number  INTEGER NOT NULL,
    note_id      BLOB NOT NULL,
    text         TEXT NOT NULL,
    for_customer INTEGER NOT NULL,
    author       TEXT NOT NULL,
    at_ms        INTEGER NOT NULL,
    CONSTRAINT order_notes_pk PRIMARY KEY (order_number, note_number),
    CONSTRAINT order_notes_id_length CHECK (length(note_id) = 16),
    CONSTRAINT order_notes_for_customer_known CHECK (for_customer IN (0, 1)),
    CONSTRAINT order_notes_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
) STRICT, WITHOUT ROWID;
