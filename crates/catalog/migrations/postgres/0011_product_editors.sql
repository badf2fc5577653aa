-- Who made a version of a product, where a person did: written beside the version, in its commit, under its number. What
-- writes a version and says nobody here (a release before, an import) leaves none, so that nobody is named for another.
CREATE TABLE product_editors (
    product_number BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    user_id        UUID NOT NULL,
    CONSTRAINT product_editors_pk PRIMARY KEY (product_number, version),
    CONSTRAINT product_editors_version_positive CHECK (version >= 1),
    CONSTRAINT product_editors_product FOREIGN KEY (product_number) REFERENCES products (product_number)
);

CREATE TRIGGER product_editors_only_grow BEFORE UPDATE OR DELETE OR TRUNCATE ON product_editors
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
