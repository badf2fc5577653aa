-- What people mean to buy. A cart holds no stock; what it cost when a line was put in is kept to show what changed.
CREATE TABLE carts (
    cart_id       BLOB NOT NULL,
    version       INTEGER NOT NULL,
    status        TEXT NOT NULL,
    customer_id   BLOB,
    token_hash    BLOB,
    address_key   BLOB,
    order_id      BLOB,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    CONSTRAINT carts_pk PRIMARY KEY (cart_id),
    CONSTRAINT carts_id_length CHECK (length(cart_id) = 16),
    CONSTRAINT carts_status_known CHECK (status = 'open' OR status = 'ordered' OR status = 'merged'),
    CONSTRAINT carts_ordered_by_an_order CHECK ((status = 'ordered') = (order_id IS NOT NULL)),
    CONSTRAINT carts_are_somebodys CHECK ((customer_id IS NULL) = (token_hash IS NOT NULL)),
    CONSTRAINT carts_version_positive CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

-- A user has one cart at a time.
CREATE UNIQUE INDEX carts_open_of_customer ON carts (customer_id) WHERE status = 'open' AND customer_id IS NOT NULL;
CREATE UNIQUE INDEX carts_by_order ON carts (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX carts_open_by_address ON carts (address_key) WHERE status = 'open' AND address_key IS NOT NULL;
CREATE INDEX carts_by_expiry ON carts (expires_at_ms);

CREATE TABLE cart_lines (
    cart_id          BLOB NOT NULL,
    line_number      INTEGER NOT NULL,
    product_id       BLOB NOT NULL,
    variant_id       BLOB NOT NULL,
    quantity         INTEGER NOT NULL,
    seen_price_minor INTEGER NOT NULL,
    currency         TEXT NOT NULL,
    CONSTRAINT cart_lines_pk PRIMARY KEY (cart_id, line_number),
    CONSTRAINT cart_lines_variant_once UNIQUE (cart_id, variant_id),
    CONSTRAINT cart_lines_cart FOREIGN KEY (cart_id) REFERENCES carts (cart_id),
    CONSTRAINT cart_lines_quantity_positive CHECK (quantity > 0),
    CONSTRAINT cart_lines_price_not_negative CHECK (seen_price_minor >= 0)
) STRICT, WITHOUT ROWID;
