-- Customers whose account is gone: a token of theirs may live a moment longer on another node, and must keep nothing.
CREATE TABLE erased_customers (
    customer_id BLOB NOT NULL,
    CONSTRAINT erased_customers_pk PRIMARY KEY (customer_id),
    CONSTRAINT erased_customers_length CHECK (length(customer_id) = 16)
) STRICT, WITHOUT ROWID;
