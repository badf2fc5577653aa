-- Which products changed since somebody looked: the last change of each, in the order of changes. Written by the
-- database itself, so that no release and no process can leave one out. The row of product 0 stands for all categories.
-- The words of products are found in memory from now on (ADR 56); product_search stays for the release before.
CREATE TABLE product_changes (
    change_number  INTEGER PRIMARY KEY AUTOINCREMENT,
    product_number INTEGER NOT NULL,
    CONSTRAINT product_changes_once UNIQUE (product_number)
) STRICT;

CREATE TRIGGER products_are_noted_when_made AFTER INSERT ON products
BEGIN
    INSERT OR REPLACE INTO product_changes (product_number) VALUES (NEW.product_number);
END;

CREATE TRIGGER products_are_noted_when_changed AFTER UPDATE ON products
BEGIN
    INSERT OR REPLACE INTO product_changes (product_number) VALUES (NEW.product_number);
END;

CREATE TRIGGER categories_are_noted_when_made AFTER INSERT ON categories
BEGIN
    INSERT OR REPLACE INTO product_changes (product_number) VALUES (0);
END;

CREATE TRIGGER categories_are_noted_when_changed AFTER UPDATE ON categories
BEGIN
    INSERT OR REPLACE INTO product_changes (product_number) VALUES (0);
    -- A product is found by the name of its category.
    INSERT OR REPLACE INTO product_changes (product_number)
    SELECT product_number
      FROM products
     WHERE category_number = NEW.category_number AND OLD.name <> NEW.name
     ORDER BY product_number;
END;

CREATE TRIGGER categories_are_noted_when_gone AFTER DELETE ON categories
BEGIN
    INSERT OR REPLACE INTO product_changes (product_number) VALUES (0);
END;
