-- Every version that a product went through, with the price it had: whoever checks an order's prices finds here what
-- they were then. Only added to.
CREATE TABLE product_versions (
    variant_number INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    price_minor    INTEGER NOT NULL,
    currency       TEXT NOT NULL,
    status         TEXT NOT NULL,
    -- What an earlier release left: when it became so is not known, nor what was before.
    opening        INTEGER NOT NULL,
    at_ms          INTEGER NOT NULL,
    CONSTRAINT product_versions_pk PRIMARY KEY (variant_number, version),
    CONSTRAINT product_versions_version_positive CHECK (version >= 1),
    CONSTRAINT product_versions_opening_known CHECK (opening IN (0, 1)),
    CONSTRAINT product_versions_variant FOREIGN KEY (variant_number) REFERENCES variants (variant_number)
) STRICT, WITHOUT ROWID;

INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
SELECT v.variant_number, p.version, v.price_minor, v.currency, p.status, iif(p.version = 1, 0, 1), p.updated_at_ms
  FROM variants v
  JOIN products p ON p.product_number = v.product_number
 ORDER BY v.variant_number;

-- Written by the database itself, so that no release can leave one out: whoever makes or changes a product writes its
-- row first and its variant's row after that, in one commit. A second price under one version is refused by the key.
CREATE TRIGGER variants_are_versioned_when_made AFTER INSERT ON variants
BEGIN
    INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
    SELECT NEW.variant_number, p.version, NEW.price_minor, NEW.currency, p.status, 0, p.updated_at_ms
      FROM products p
     WHERE p.product_number = NEW.product_number;
END;

CREATE TRIGGER variants_are_versioned_when_changed AFTER UPDATE ON variants
BEGIN
    INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
    SELECT NEW.variant_number, p.version, NEW.price_minor, NEW.currency, p.status, 0, p.updated_at_ms
      FROM products p
     WHERE p.product_number = NEW.product_number;
END;

CREATE TRIGGER product_versions_never_change BEFORE UPDATE ON product_versions
BEGIN
    SELECT RAISE(ABORT, 'product_versions only grows');
END;

CREATE TRIGGER product_versions_never_go BEFORE DELETE ON product_versions
BEGIN
    SELECT RAISE(ABORT, 'product_versions only grows');
END;
