CREATE TABLE categories (
    category_number INTEGER PRIMARY KEY,
    category_id     BLOB NOT NULL,
    slug            TEXT NOT NULL,
    name            TEXT NOT NULL,
    parent_number   INTEGER,
    version         INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    CONSTRAINT categories_id_key UNIQUE (category_id),
    CONSTRAINT categories_slug_key UNIQUE (slug),
    CONSTRAINT categories_id_length CHECK (length(category_id) = 16),
    CONSTRAINT categories_parent FOREIGN KEY (parent_number) REFERENCES categories (category_number)
) STRICT;

CREATE INDEX categories_by_parent ON categories (parent_number, name);

-- The two long columns are last: whoever needs only the short ones never walks their overflow pages.
CREATE TABLE products (
    product_number  INTEGER PRIMARY KEY,
    product_id      BLOB NOT NULL,
    owner_id        BLOB NOT NULL,
    slug            TEXT NOT NULL,
    name            TEXT NOT NULL,
    name_key        TEXT NOT NULL,
    category_number INTEGER,
    status          TEXT NOT NULL,
    image_url       TEXT,
    version         INTEGER NOT NULL,
    created_at_ms   INTEGER NOT NULL,
    updated_at_ms   INTEGER NOT NULL,
    attributes      TEXT NOT NULL,
    description     TEXT NOT NULL,
    CONSTRAINT products_id_key UNIQUE (product_id),
    CONSTRAINT products_slug_key UNIQUE (slug),
    CONSTRAINT products_id_length CHECK (length(product_id) = 16),
    CONSTRAINT products_owner_length CHECK (length(owner_id) = 16),
    CONSTRAINT products_status_known CHECK (status IN ('draft', 'active', 'archived')),
    CONSTRAINT products_version_positive CHECK (version >= 1),
    CONSTRAINT products_category FOREIGN KEY (category_number) REFERENCES categories (category_number)
) STRICT;

CREATE INDEX products_by_age ON products (status, product_number);
CREATE INDEX products_by_name ON products (status, name_key, product_number);
CREATE INDEX products_by_owner ON products (owner_id, product_number);
CREATE INDEX products_by_category ON products (category_number, product_number);

CREATE TABLE variants (
    variant_number INTEGER PRIMARY KEY,
    variant_id     BLOB NOT NULL,
    product_number INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    sku            TEXT NOT NULL,
    sku_key        TEXT NOT NULL,
    price_minor    INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    CONSTRAINT variants_id_key UNIQUE (variant_id),
    CONSTRAINT variants_sku_key UNIQUE (sku_key),
    CONSTRAINT variants_position_key UNIQUE (product_number, position),
    CONSTRAINT variants_id_length CHECK (length(variant_id) = 16),
    CONSTRAINT variants_price_bounds CHECK (price_minor BETWEEN 0 AND 1000000000000),
    CONSTRAINT variants_product FOREIGN KEY (product_number) REFERENCES products (product_number)
) STRICT;

CREATE INDEX variants_by_price ON variants (price_minor, product_number) WHERE position = 0;

CREATE TABLE stock (
    variant_number INTEGER PRIMARY KEY,
    on_hand        INTEGER NOT NULL,
    reserved       INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    CONSTRAINT stock_never_oversold CHECK (on_hand >= 0 AND reserved >= 0 AND reserved <= on_hand),
    CONSTRAINT stock_variant FOREIGN KEY (variant_number) REFERENCES variants (variant_number)
) STRICT;

CREATE TABLE stock_adjustments (
    adjustment_number INTEGER PRIMARY KEY,
    variant_number    INTEGER NOT NULL,
    kind              TEXT NOT NULL,
    delta             INTEGER NOT NULL,
    reason            TEXT NOT NULL,
    actor             TEXT NOT NULL,
    at_ms             INTEGER NOT NULL,
    CONSTRAINT stock_adjustments_kind_known CHECK (kind IN ('initial', 'adjusted')),
    CONSTRAINT stock_adjustments_move CHECK (delta <> 0),
    CONSTRAINT stock_adjustments_variant FOREIGN KEY (variant_number) REFERENCES variants (variant_number)
) STRICT;

CREATE INDEX stock_adjustments_by_variant ON stock_adjustments (variant_number, adjustment_number);

CREATE TRIGGER stock_adjustments_never_change BEFORE UPDATE ON stock_adjustments
BEGIN
    SELECT RAISE(ABORT, 'stock_adjustments only grows');
END;

CREATE TRIGGER stock_adjustments_never_go BEFORE DELETE ON stock_adjustments
BEGIN
    SELECT RAISE(ABORT, 'stock_adjustments only grows');
END;

CREATE TABLE reservations (
    reservation_number INTEGER PRIMARY KEY,
    order_id           BLOB NOT NULL,
    state              TEXT NOT NULL,
    fingerprint        BLOB NOT NULL,
    hold_until_at_ms   INTEGER NOT NULL,
    created_at_ms      INTEGER NOT NULL,
    resolved_at_ms     INTEGER,
    resolved_by        TEXT,
    returned_at_ms     INTEGER,
    returned_by        TEXT,
    CONSTRAINT reservations_order_key UNIQUE (order_id),
    CONSTRAINT reservations_order_length CHECK (length(order_id) = 16),
    CONSTRAINT reservations_state_known
        CHECK (state IN ('open', 'committed', 'released', 'expired', 'returned')),
    CONSTRAINT reservations_resolved_when_not_open CHECK ((state = 'open') = (resolved_at_ms IS NULL)),
    CONSTRAINT reservations_returned_when CHECK ((state = 'returned') = (returned_at_ms IS NOT NULL))
) STRICT;

CREATE INDEX reservations_open ON reservations (hold_until_at_ms) WHERE state = 'open';

-- These lines are the ledger of sales: on_hand = adjustments - lines of committed reservations, and
-- reserved = lines of open ones. Nothing is written a second time when an order is paid.
CREATE TABLE reservation_lines (
    reservation_number INTEGER NOT NULL,
    line_number        INTEGER NOT NULL,
    variant_number     INTEGER NOT NULL,
    quantity           INTEGER NOT NULL,
    unit_price_minor   INTEGER NOT NULL,
    currency           TEXT NOT NULL,
    CONSTRAINT reservation_lines_pk PRIMARY KEY (reservation_number, line_number),
    CONSTRAINT reservation_lines_quantity CHECK (quantity > 0),
    CONSTRAINT reservation_lines_reservation
        FOREIGN KEY (reservation_number) REFERENCES reservations (reservation_number),
    CONSTRAINT reservation_lines_variant FOREIGN KEY (variant_number) REFERENCES variants (variant_number)
) STRICT, WITHOUT ROWID;

CREATE INDEX reservation_lines_by_variant ON reservation_lines (variant_number, reservation_number);

-- Holds only the index, not the texts: those are in products.
CREATE VIRTUAL TABLE product_search USING fts5 (
    name, sku, category, description,
    content = '', contentless_delete = 1, prefix = '2 3',
    tokenize = 'unicode61 remove_diacritics 2'
);
