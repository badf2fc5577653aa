-- Charges of the provider's that no payment of ours stands for, by the payment that they were made for: storage lost it,
-- or was brought back from before it. Their money goes back, so no payment may begin on them any more.
CREATE TABLE strays (
    payment_id BLOB NOT NULL,
    at_ms      INTEGER NOT NULL,
    CONSTRAINT strays_pk PRIMARY KEY (payment_id),
    CONSTRAINT strays_payment_length CHECK (length(payment_id) = 16)
) STRICT, WITHOUT ROWID;
