-- Products with options have several variants (ADR 73). The one in place 0 is the cheapest, which lists go by; one that
-- was withdrawn has a place below 0, and stays for its orders and its ledger.
ALTER TABLE products ADD COLUMN options TEXT NOT NULL DEFAULT '[]';
-- A value of each option, in their order, as JSON; and the product's versions in which the variant came and went.
ALTER TABLE variants ADD COLUMN options TEXT NOT NULL DEFAULT '[]',
    ADD COLUMN made_in BIGINT NOT NULL DEFAULT 1,
    ADD COLUMN withdrawn_in BIGINT,
    ADD CONSTRAINT variants_made_in_positive CHECK (made_in >= 1),
    ADD CONSTRAINT variants_withdrawn_after_made CHECK (withdrawn_in > made_in);

CREATE UNIQUE INDEX variants_options_key ON variants (product_number, options) WHERE position >= 0 AND options <> '[]';

-- Whoever makes or changes the variant in place 0, makes or changes the product: it is written last, and the versions of
-- the others that did not change are noted with it. A place alone is no version.
CREATE OR REPLACE FUNCTION note_version() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
    SELECT NEW.variant_number, p.version, NEW.price_minor, NEW.currency,
           CASE WHEN NEW.withdrawn_in IS NULL THEN p.status ELSE 'archived' END, FALSE, p.updated_at_ms
      FROM products p
     WHERE p.product_number = NEW.product_number;
    IF NEW.position = 0 THEN
        INSERT INTO product_versions (variant_number, version, price_minor, currency, status, opening, at_ms)
        SELECT o.variant_number, p.version, o.price_minor, o.currency, p.status, FALSE, p.updated_at_ms
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

-- Whether other variants than the default one can be bought. It costs next to nothing, for nearly no product has any.
CREATE FUNCTION others_in_stock_1(product BIGINT) RETURNS BOOLEAN LANGUAGE plpgsql STABLE COST 1
SET search_path FROM CURRENT AS $$
BEGIN
    RETURN EXISTS (SELECT 1
                     FROM variants
                     JOIN stock ON stock.variant_number = variants.variant_number
                    WHERE variants.product_number = product
                      AND variants.position > 0
                      AND stock.on_hand > stock.reserved);
END
$$;

DROP TRIGGER variants_are_versioned ON variants;
CREATE TRIGGER variants_are_versioned AFTER INSERT OR UPDATE OF sku, price_minor, currency, withdrawn_in ON variants
    FOR EACH ROW EXECUTE FUNCTION note_version();
