-- Which products changed since somebody looked: the transaction that changed each last. A transaction's number is drawn
-- before it commits, so whoever looks remembers the oldest that was still open, and looks from there again: no commit
-- slips behind that mark. Written by the database itself, so that no release and no process can leave one out.
-- The words of products are found in memory from now on (ADR 56); product_search stays for the release before.
CREATE TABLE product_changes (
    product_number BIGINT NOT NULL,
    changed_in     XID8 NOT NULL,
    CONSTRAINT product_changes_pk PRIMARY KEY (product_number)
);

CREATE INDEX product_changes_by_transaction ON product_changes (changed_in);

-- A row each time, so that nobody waits here for anybody else.
CREATE TABLE category_changes (
    changed_in XID8 NOT NULL
);

CREATE INDEX category_changes_by_transaction ON category_changes (changed_in);

CREATE FUNCTION note_product_change() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO product_changes (product_number, changed_in)
    VALUES (NEW.product_number, pg_current_xact_id())
    ON CONFLICT (product_number) DO UPDATE SET changed_in = EXCLUDED.changed_in;
    RETURN NULL;
END
$$;

CREATE TRIGGER products_are_noted AFTER INSERT OR UPDATE ON products
    FOR EACH ROW EXECUTE FUNCTION note_product_change();

CREATE FUNCTION note_category_change() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO category_changes (changed_in) VALUES (pg_current_xact_id());
    -- A product is found by the name of its category.
    IF TG_OP = 'UPDATE' AND OLD.name <> NEW.name THEN
        INSERT INTO product_changes (product_number, changed_in)
        SELECT product_number, pg_current_xact_id()
          FROM products
         WHERE category_number = NEW.category_number
         ORDER BY product_number
        ON CONFLICT (product_number) DO UPDATE SET changed_in = EXCLUDED.changed_in;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER categories_are_noted AFTER INSERT OR UPDATE OR DELETE ON categories
    FOR EACH ROW EXECUTE FUNCTION note_category_change();
