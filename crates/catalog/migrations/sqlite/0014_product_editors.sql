-- Who made a version of a product, where a person did: written beside the version, in its commit, under its number. What
-- writes a version and says nobody here (a release before, an import) leaves none, so that nobody is named for another.
CREATE TABLE product_editors (
    product_number INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    user_id        BLOB NOT NULL,
    CONSTRAINT product_editors_pk PRIMARY KEY (product_number, version),
    CONSTRAINT product_editors_version_positive CHECK (version >= 1),
    CONSTRAINT product_editors_user_length CHECK (length(user_id) = 16),
    CONSTRAINT product_editors_product FOREIGN KEY (product_number) REFERENCES products (product_number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER product_editors_never_change BEFORE UPDATE ON product_editors
BEGIN
    SELECT RAISE(ABORT, 'product_editors only grows');
END;

CREATE TRIGGER product_editors_never_go BEFORE DELETE ON product_editors
BEGIN
    SELECT RAISE(ABORT, 'product_editors only grows');
END;
