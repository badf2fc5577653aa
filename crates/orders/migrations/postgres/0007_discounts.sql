-- What an order costs beside its lines; plain orders have nothing here.
CREATE TABLE order_parts (
    order_number BIGINT NOT NULL,
    part_number  BIGINT NOT NULL,
    kind         TEXT NOT NULL,
    title        TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    CONSTRAINT order_parts_pk PRIMARY KEY (order_number, part_number),
    CONSTRAINT order_parts_order FOREIGN KEY (order_number) REFERENCES orders (order_number),
    CONSTRAINT order_parts_discount_takes_off CHECK (kind <> 'discount' OR amount_minor <= 0)
);

CREATE TABLE discounts (
    discount_id       UUID NOT NULL,
    code              TEXT NOT NULL,
    basis_points      BIGINT,
    amount_minor      BIGINT,
    minimum_minor     BIGINT,
    currency          TEXT,
    starts_at_ms      BIGINT,
    ends_at_ms        BIGINT,
    uses_max          BIGINT,
    customer_uses_max BIGINT,
    uses              BIGINT NOT NULL,
    active            BOOLEAN NOT NULL,
    version           BIGINT NOT NULL,
    created_at_ms     BIGINT NOT NULL,
    updated_at_ms     BIGINT NOT NULL,
    CONSTRAINT discounts_pk PRIMARY KEY (discount_id),
    CONSTRAINT discounts_code_unique UNIQUE (code),
    CONSTRAINT discounts_take_one_thing_off CHECK ((basis_points IS NULL) <> (amount_minor IS NULL)),
    CONSTRAINT discounts_share_is_one CHECK (basis_points IS NULL OR (basis_points >= 1 AND basis_points <= 10000)),
    CONSTRAINT discounts_money_has_a_currency
        CHECK ((amount_minor IS NULL AND minimum_minor IS NULL) OR currency IS NOT NULL),
    CONSTRAINT discounts_uses_within_limit CHECK (uses >= 0 AND (uses_max IS NULL OR uses <= uses_max)),
    CONSTRAINT discounts_version_positive CHECK (version >= 1)
);

-- Uses of what has a limit, until the order is called off.
CREATE TABLE discount_uses (
    discount_id  UUID NOT NULL,
    customer_key BYTEA NOT NULL,
    order_number BIGINT NOT NULL,
    CONSTRAINT discount_uses_pk PRIMARY KEY (discount_id, customer_key, order_number),
    CONSTRAINT discount_uses_order_once UNIQUE (order_number, discount_id),
    CONSTRAINT discount_uses_discount FOREIGN KEY (discount_id) REFERENCES discounts (discount_id),
    CONSTRAINT discount_uses_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
);

ALTER TABLE carts ADD COLUMN discount_code TEXT;
