-- Rates of taxes by place, and what taxes are of an order: a document in the part that they are.
CREATE TABLE tax_rates (
    rate_id       BLOB NOT NULL,
    name          TEXT NOT NULL,
    country       TEXT NOT NULL,
    region        TEXT,
    region_key    TEXT NOT NULL,
    class         TEXT NOT NULL,
    millionths    INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    CONSTRAINT tax_rates_pk PRIMARY KEY (rate_id),
    CONSTRAINT tax_rates_one_a_place UNIQUE (country, region_key, class),
    CONSTRAINT tax_rates_class_known CHECK (class IN ('standard', 'reduced')),
    CONSTRAINT tax_rates_share_is_one CHECK (millionths >= 0 AND millionths <= 1000000),
    CONSTRAINT tax_rates_version_positive CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

ALTER TABLE order_parts ADD COLUMN tax TEXT;
