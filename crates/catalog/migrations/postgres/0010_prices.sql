-- Prices in further currencies than a variant's own (ADR 77), as JSON: {"EUR":1799}. They are part of the product's
-- document, and so of each version of it.
ALTER TABLE variants ADD COLUMN prices TEXT NOT NULL DEFAULT '{}',
    ADD CONSTRAINT variants_prices_documents CHECK (jsonb_typeof(prices::jsonb) = 'object');
ALTER TABLE product_versions ADD COLUMN prices TEXT NOT NULL DEFAULT '{}';

CREATE OR REPLACE FUNCTION note_version() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO product_versions (variant_number, version, price_minor, currency, prices, status, opening, at_ms)
    SELECT NEW.variant_number, p.version, NEW.price_minor, NEW.currency, NEW.prices,
           CASE WHEN NEW.withdrawn_in IS NULL THEN p.status ELSE 'archived' END, FALSE, p.updated_at_ms
      FROM products p
     WHERE p.product_number = NEW.product_number;
    IF NEW.position = 0 THEN
        INSERT INTO product_versions (variant_number, version, price_minor, currency, prices, status, opening, at_ms)
        SELECT o.variant_number, p.version, o.price_minor, o.currency, o.prices, p.status, FALSE, p.updated_at_ms
          FROM variants o
          JOIN products p ON p.product_number = o.product_number
         WHERE o.product_number = NEW.product_number
           AND o.position > 0
           AND NOT EXISTS (SELECT 1
                             FROM product_versions w
                            WHERE w.variant_number = o.variant_number AND w.version = p.version);
    END IF;
    RETURN NULL;
END
$$;

DROP TRIGGER variants_are_versioned ON variants;
CREATE TRIGGER variants_are_versioned AFTER INSERT OR UPDATE OF sku, price_minor, currency, prices, withdrawn_in
    ON variants FOR EACH ROW EXECUTE FUNCTION note_version();
