CREATE TABLE orders (
    order_number      INTEGER PRIMARY KEY,
    order_id          BLOB NOT NULL,
    customer_id       BLOB,
    guest_email       TEXT,
    fingerprint       BLOB NOT NULL,
    status            TEXT NOT NULL,
    version           INTEGER NOT NULL,
    total_minor       INTEGER NOT NULL,
    currency          TEXT NOT NULL,
    tracking          TEXT,
    payment_id        BLOB,
    payment_due_at_ms INTEGER NOT NULL,
    created_at_ms     INTEGER NOT NULL,
    updated_at_ms     INTEGER NOT NULL,
    CONSTRAINT orders_order_id_unique UNIQUE (order_id),
    CONSTRAINT orders_order_id_length CHECK (length(order_id) = 16),
    CONSTRAINT orders_status_known
        CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
    CONSTRAINT orders_total_not_negative CHECK (total_minor >= 0),
    CONSTRAINT orders_version_positive CHECK (version >= 1),
    CONSTRAINT orders_paid_by_a_payment
        CHECK (status NOT IN ('paid', 'shipped', 'delivered', 'refunded') OR payment_id IS NOT NULL)
) STRICT;

CREATE INDEX orders_by_customer ON orders (customer_id, order_number) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_by_status ON orders (status, order_number);
CREATE INDEX orders_by_created ON orders (created_at_ms);
CREATE INDEX orders_by_payment_due ON orders (payment_due_at_ms) WHERE status = 'pending';

CREATE TABLE order_lines (
    order_number     INTEGER NOT NULL,
    line_number      INTEGER NOT NULL,
    product_id       BLOB NOT NULL,
    variant_id       BLOB NOT NULL,
    seller_id        BLOB NOT NULL,
    sku              TEXT NOT NULL,
    name             TEXT NOT NULL,
    quantity         INTEGER NOT NULL,
    unit_price_minor INTEGER NOT NULL,
    CONSTRAINT order_lines_pk PRIMARY KEY (order_number, line_number),
    CONSTRAINT order_lines_order FOREIGN KEY (order_number) REFERENCES orders (order_number),
    CONSTRAINT order_lines_quantity_positive CHECK (quantity > 0),
    CONSTRAINT order_lines_price_not_negative CHECK (unit_price_minor >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_events (
    order_number INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    status       TEXT NOT NULL,
    version      INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    note         TEXT,
    at_ms        INTEGER NOT NULL,
    CONSTRAINT order_events_pk PRIMARY KEY (order_number, sequence),
    CONSTRAINT order_events_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
) STRICT, WITHOUT ROWID;

-- Ids of orders that were never written and never may be: their stock was given back.
CREATE TABLE abandoned_orders (
    order_id BLOB NOT NULL,
    at_ms    INTEGER NOT NULL,
    CONSTRAINT abandoned_orders_pk PRIMARY KEY (order_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    name  TEXT NOT NULL,
    value BLOB NOT NULL,
    CONSTRAINT secrets_pk PRIMARY KEY (name)
) STRICT, WITHOUT ROWID;
