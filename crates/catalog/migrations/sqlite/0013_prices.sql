-- Prices in further currencies than a variant's own (ADR 77), as JSON: {"EUR":1799}. They are part of the product's
-- document, and so of each version of it.
ALTER TABLE variants ADD COLUMN prices TEXT NOT NULL DEFAULT '{}'
    CONSTRAINT variants_prices_documents CHECK (JSON_VALID(prices));
ALTER TABLE product_versions ADD COLUMN prices TEXT NOT NULL DEFAULT '{}';

DROP TRIGGER variants_are_versioned_when_made;
CREATE TRIGGER variants_are_versioned_when_made AFTER INSERT ON variants
BEGIN
    INSERT INTO product_versions (variant_number, version, price_minor, currency, prices, status, opening, at_ms)
    SELECT NEW.variant_number, p.version, NEW.price_minor, NEW.currency, NEW.prices, p.status, 0, p.updated_at_ms
      FROM products p
     WHERE p.product_number = NEW.product_number;
    INSERT INTO product_versions (variant_number, version, price_minor, currency, prices, status, opening, at_ms)
    SELECT o.variant_number, p.version, o.price_minor, o.currency, o.prices, p.status, 0, p.updated_at_ms
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
AFTER UPDATE OF sku, price_minor, currency, prices, withdrawn_in ON variants
BEGIN
    INSERT INTO product_versions (variant_number, version, price_minor, currency, prices, status, opening, at_ms)
    SELECT NEW.variant_number, p.version, NEW.price_minor, NEW.currency, NEW.prices,
           iif(NEW.withdrawn_in IS NULL, p.status, 'archived'), 0, p.updated_at_ms
      FROM products p
     WHERE p.product_number = NEW.product_number;
    INSERT INTO product_versions (variant_number, version, price_minor, currency, prices, status, opening, at_ms)
    SELECT o.variant_number, p.version, o.price_minor, o.currency, o.prices, p.status, 0, p.updated_at_ms
      FROM variants o
      JOIN products p ON p.product_number = o.product_number
     WHERE NEW.position = 0
       AND o.product_number = NEW.product_number
       AND o.position > 0
       AND NOT EXISTS (SELECT 1
                         FROM product_versions w
                        WHERE w.variant_number = o.variant_number AND w.version = p.version);
END;
