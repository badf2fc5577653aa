-- Customers whose account is gone: a token of theirs may live a moment longer on another node. It keeps no address, and
-- whatever else it leaves is erased with the rest once more, when no such token can be left: then, or NULL afterwards.
CREATE TABLE erased_customers (
    customer_id BLOB NOT NULL,
    again_at_ms INTEGER,
    CONSTRAINT erased_customers_pk PRIMARY KEY (customer_id),
    CONSTRAINT erased_customers_length CHECK (length(customer_id) = 16)
) STRICT, WITHOUT ROWID;

CREATE INDEX erased_customers_again ON erased_customers (again_at_ms) WHERE again_at_ms IS NOT NULL;
