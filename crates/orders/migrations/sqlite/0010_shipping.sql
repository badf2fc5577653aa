-- What shipping costs: a part of an order's total, kept with the order.
CREATE TABLE shipping_methods (
    method_id       BLOB NOT NULL,
    name            TEXT NOT NULL,
    price_minor     INTEGER NOT NULL,
    free_from_minor INTEGER,
    currency        TEXT NOT NULL,
    active          INTEGER NOT NULL,
    version         INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    CONSTRAINT shipping_methods_pk PRIMARY KEY (method_id),
    CONSTRAINT shipping_methods_price_not_negative CHECK (price_minor >= 0),
    CONSTRAINT shipping_methods_free_from_not_negative CHECK (free_from_minor IS NULL OR free_from_minor >= 0),
    CONSTRAINT shipping_methods_version_positive CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

ALTER TABLE carts ADD COLUMN shipping_method_id BLOB;
