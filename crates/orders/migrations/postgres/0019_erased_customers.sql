-- Customers whose account is gone: a token of theirs may live a moment longer on another node, and must keep nothing.
CREATE TABLE erased_customers (
    customer_id UUID NOT NULL,
    CONSTRAINT erased_customers_pk PRIMARY KEY (customer_id)
);
