-- Addresses that a customer keeps to choose from at a checkout: a document each, the same one once, gone with the
-- account.
CREATE TABLE kept_addresses (
    address_number INTEGER PRIMARY KEY,
    address_id     BLOB NOT NULL,
    customer_id    BLOB NOT NULL,
    address        TEXT NOT NULL,
    created_at_ms  INTEGER NOT NULL,
    CONSTRAINT kept_addresses_id_unique UNIQUE (address_id),
    CONSTRAINT kept_addresses_id_length CHECK (length(address_id) = 16),
    CONSTRAINT kept_addresses_customer_length CHECK (length(customer_id) = 16),
    CONSTRAINT kept_addresses_documents CHECK (JSON_VALID(address))
) STRICT;

CREATE INDEX kept_addresses_by_customer ON kept_addresses (customer_id, address_number);
