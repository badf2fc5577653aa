-- Products with options have several variants (ADR 73). The one in place 0 is the cheapest, which lists go by; one that
-- was withdrawn has a place below 0, and stays for its orders and its ledger.
ALTER TABLE products ADD COLUMN options TEXT NOT NULL DEFAULT '[]';
-- A value of each option, in their order, as JSON.
ALTER TABLE variants ADD COLUMN options TEXT NOT NULL DEFAULT '[]';
-- The product's versions in which it came and went.
ALTER TABLE variants ADD COLUMN made_in INTEGER NOT NULL DEFAULT 1
    CONSTRAINT variants_made_in_positive CHECK (made_in >= 1);
ALTER TABLE variants ADD COLUMN withdrawn_in INTEGER
    CONSTRAINT variants_withdrawn_after_made CHECK (withdrawn_in > made_in);

CREATE UNIQUE INDEX variants_options_key ON variants (product_number, options) WHERE position >= 0 AND options <> '[]';

-- Whoever makes or changes the variant in place 0, makes or changes the product: it is written last, and the versions of
-- the others that did not change are noted with it. A place alone is no version.
DROP TRIGGER variants_are_versioned_when_made;
CREATE TRIGGER variants_are_versioned_when_made AFTER INSERT ON variants
BEGIN
    INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
    SELECT NEW.variant_number, p.version, NEW.price_minor, NEW.currency, p.status, 0, p.updated_at_ms
      FROM products p
     WHERE p.product_number = NEW.product_number;
    INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
    SELECT o.variant_number, p.version, o.price_minor, o.currency, p.status, 0, p.updated_at_ms
      FROM variants o
      JOIN products p ON p.product_number = o.product_number
     WHERE NEW.position = 0
       AND o.product_number = NEW.product_number
       AND o.position > 0
       AND NOT EXISTS (SELECT 1
                         FROM product_versions w
                        WHERE w.variant_number = o.variant_number AND w.version = p.version);
END;

DROP TRIGGER variants_are_versioned_when_changed;
CREATE TRIGGER variants_are_versioned_when_changed
AFTER UPDATE OF sku, price_minor, currency, withdrawn_in ON variants
BEGIN
    INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
    SELECT NEW.variant_number, p.version, NEW.price_minor, NEW.currency,
           iif(NEW.withdrawn_in IS NULL, p.status, 'archived'), 0, p.updated_at_ms
      FROM products p
     WHERE p.product_number = NEW.product_number;
    INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
    SELECT o.variant_number, p.version, o.price_minor, o.currency, p.status, 0, p.updated_at_ms
      FROM variants o
      JOIN products p ON p.product_number = o.product_number
     WHERE NEW.position = 0
       AND o.product_number = NEW.product_number
       AND o.position > 0
       AND NOT EXISTS (SELECT 1
                         FROM product_versions w
                        WHERE w.variant_number = o.variant_number AND w.version = p.version);
END;
