-- Addresses that products had before: whoever kept one is led to the new one. Written by the database, so that no
-- release can forget one. An address that a product has again, or that somebody gave to another, leads to that one.
CREATE TABLE product_addresses (
    slug           TEXT NOT NULL,
    product_number BIGINT NOT NULL,
    CONSTRAINT product_addresses_pk PRIMARY KEY (slug),
    CONSTRAINT product_addresses_product FOREIGN KEY (product_number) REFERENCES products (product_number)
);

CREATE FUNCTION keep_address() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO product_addresses (slug, product_number) VALUES (OLD.slug, OLD.product_number)
        ON CONFLICT (slug) DO UPDATE SET product_number = EXCLUDED.product_number;
    RETURN NULL;
END
$$;

CREATE TRIGGER product_addresses_are_kept AFTER UPDATE OF slug ON products
    FOR EACH ROW WHEN (OLD.slug <> NEW.slug) EXECUTE FUNCTION keep_address();
