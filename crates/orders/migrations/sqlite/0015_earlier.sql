-- Records of what was bought at another shop, before this one (ADR 81): they hold no stock, nobody pays them, they never
-- move. Which record it is, its shop and its number there say.
CREATE TABLE earlier_orders (
    earlier_number INTEGER PRIMARY KEY,
    earlier_id     BLOB NOT NULL,
    source         TEXT NOT NULL,
    number         TEXT NOT NULL,
    customer_id    BLOB,
    -- As addresses are compared, until somebody proves that it is theirs.
    email_key      TEXT,
    customer_ref   TEXT,
    status         TEXT NOT NULL,
    currency       TEXT NOT NULL,
    subtotal_minor INTEGER NOT NULL,
    shipping_minor INTEGER NOT NULL,
    tax_minor      INTEGER NOT NULL,
    discount_minor INTEGER NOT NULL,
    total_minor    INTEGER NOT NULL,
    refunded_minor INTEGER NOT NULL,
    placed_at_ms   INTEGER NOT NULL,
    imported_at_ms INTEGER NOT NULL,
    CONSTRAINT earlier_orders_id_unique UNIQUE (earlier_id),
    CONSTRAINT earlier_orders_once UNIQUE (source, number),
    CONSTRAINT earlier_orders_id_length CHECK (length(earlier_id) = 16),
    CONSTRAINT earlier_orders_status_known CHECK (status IN ('delivered', 'cancelled', 'refunded')),
    CONSTRAINT earlier_orders_sums CHECK (
        subtotal_minor >= 0 AND shipping_minor >= 0 AND tax_minor >= 0 AND discount_minor >= 0
        AND total_minor = subtotal_minor + shipping_minor + tax_minor - discount_minor
    ),
    CONSTRAINT earlier_orders_refunded CHECK (
        0 <= refunded_minor AND refunded_minor <= total_minor
        AND (status <> 'refunded' OR refunded_minor = total_minor)
    )
) STRICT;

CREATE INDEX earlier_orders_by_time ON earlier_orders (placed_at_ms, earlier_number);
CREATE INDEX earlier_orders_by_customer ON earlier_orders (customer_id, placed_at_ms, earlier_number)
 WHERE customer_id IS NOT NULL;
CREATE INDEX earlier_orders_by_email ON earlier_orders (email_key) WHERE email_key IS NOT NULL;

CREATE TABLE earlier_order_lines (
    earlier_number   INTEGER NOT NULL,
    line_number      INTEGER NOT NULL,
    sku              TEXT NOT NULL,
    name             TEXT NOT NULL,
    quantity         INTEGER NOT NULL,
    unit_price_minor INTEGER NOT NULL,
    CONSTRAINT earlier_order_lines_pk PRIMARY KEY (earlier_number, line_number),
    CONSTRAINT earlier_order_lines_quantity CHECK (quantity > 0),
    CONSTRAINT earlier_order_lines_price CHECK (unit_price_minor >= 0),
    CONSTRAINT earlier_order_lines_order FOREIGN KEY (earlier_number) REFERENCES earlier_orders (earlier_number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER earlier_orders_never_go BEFORE DELETE ON earlier_orders
BEGIN
    SELECT RAISE(ABORT, 'earlier_orders stay');
END;

CREATE TRIGGER earlier_orders_never_move BEFORE UPDATE OF earlier_id, source, number, status, currency, subtotal_minor,
    shipping_minor, tax_minor, discount_minor, total_minor, refunded_minor, placed_at_ms ON earlier_orders
BEGIN
    SELECT RAISE(ABORT, 'earlier_orders never move');
END;

CREATE TRIGGER earlier_order_lines_never_change BEFORE UPDATE ON earlier_order_lines
BEGIN
    SELECT RAISE(ABORT, 'earlier_order_lines only grows');
END;

CREATE TRIGGER earlier_order_lines_never_go BEFORE DELETE ON earlier_order_lines
BEGIN
    SELECT RAISE(ABORT, 'earlier_order_lines only grows');
END;
