-- Which variants have few units left (5, as those are told of that run low): written by the database itself whenever a
-- variant's units cross that bound, so that the list of what is low and its counter read these rows and no others. Most
-- sales cross nothing and write nothing here. Whether the product is archived is asked of the product.
CREATE TABLE stock_low (
    variant_number BIGINT NOT NULL,
    CONSTRAINT stock_low_pk PRIMARY KEY (variant_number)
);

-- Whoever sells meanwhile waits until the rows are there: none crosses the bound unseen.
LOCK TABLE stock IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO stock_low (variant_number)
SELECT variant_number FROM stock WHERE on_hand - reserved <= 5 ORDER BY variant_number;

CREATE FUNCTION note_low_stock() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- No row here is worth a sale that fails: one that is there already stays.
    IF NEW.on_hand - NEW.reserved <= 5 THEN
        INSERT INTO stock_low (variant_number) VALUES (NEW.variant_number) ON CONFLICT DO NOTHING;
    ELSE
        DELETE FROM stock_low WHERE variant_number = NEW.variant_number;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER stock_is_low_when_made AFTER INSERT ON stock
    FOR EACH ROW WHEN (NEW.on_hand - NEW.reserved <= 5) EXECUTE FUNCTION note_low_stock();
CREATE TRIGGER stock_crosses_low AFTER UPDATE ON stock
    FOR EACH ROW WHEN ((NEW.on_hand - NEW.reserved <= 5) <> (OLD.on_hand - OLD.reserved <= 5))
    EXECUTE FUNCTION note_low_stock();

-- What a person changed of a product's document: a row a save, under the version that it made, with each field's text
-- of before and after, cut where it is long. Who it was is in product_editors. A product's last hundred versions stay.
CREATE TABLE product_edits (
    product_number BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    changes        TEXT NOT NULL,
    at_ms          BIGINT NOT NULL,
    CONSTRAINT product_edits_pk PRIMARY KEY (product_number, version),
    CONSTRAINT product_edits_version_positive CHECK (version >= 1),
    CONSTRAINT product_edits_product FOREIGN KEY (product_number) REFERENCES products (product_number)
);
