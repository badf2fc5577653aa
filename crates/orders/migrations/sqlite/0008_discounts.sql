-- What an order costs beside its lines; plain orders have nothing here.
CREATE TABLE order_parts (
    order_number INTEGER NOT NULL,
    part_number  INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    title        TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    CONSTRAINT order_parts_pk PRIMARY KEY (order_number, part_number),
    CONSTRAINT order_parts_order FOREIGN KEY (order_number) REFERENCES orders (order_number),
    CONSTRAINT order_parts_discount_takes_off CHECK (kind <> 'discount' OR amount_minor <= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE discounts (
    discount_id       BLOB NOT NULL,
    code              TEXT NOT NULL,
    basis_points      INTEGER,
    amount_minor      INTEGER,
    minimum_minor     INTEGER,
    currency          TEXT,
    starts_at_ms      INTEGER,
    ends_at_ms        INTEGER,
    uses_max          INTEGER,
    customer_uses_max INTEGER,
    uses              INTEGER NOT NULL,
    active            INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    created_at_ms     INTEGER NOT NULL,
    updated_at_ms     INTEGER NOT NULL,
    CONSTRAINT discounts_pk PRIMARY KEY (discount_id),
    CONSTRAINT discounts_code_unique UNIQUE (code),
    CONSTRAINT discounts_take_one_thing_off CHECK ((basis_points IS NULL) <> (amount_minor IS NULL)),
    CONSTRAINT discounts_share_is_one CHECK (basis_points IS NULL OR (basis_points >= 1 AND basis_points <= 10000)),
    CONSTRAINT discounts_money_has_a_currency
        CHECK ((amount_minor IS NULL AND minimum_minor IS NULL) OR currency IS NOT NULL),
    CONSTRAINT discounts_uses_within_limit CHECK (uses >= 0 AND (uses_max IS NULL OR uses <= uses_max)),
    CONSTRAINT discounts_version_positive CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

-- Uses of what has a limit, until the order is called off.
CREATE TABLE discount_uses (
    discount_id  BLOB NOT NULL,
    customer_key BLOB NOT NULL,
    order_number INTEGER NOT NULL,
    CONSTRAINT discount_uses_pk PRIMARY KEY (discount_id, customer_key, order_number),
    CONSTRAINT discount_uses_order_once UNIQUE (order_number, discount_id),
    CONSTRAINT discount_uses_discount FOREIGN KEY (discount_id) REFERENCES discounts (discount_id),
    CONSTRAINT discount_uses_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
) STRICT, WITHOUT ROWID;

ALTER TABLE carts ADD COLUMN discount_code TEXT;
