-- What is told of products and stock to others (ADR 82): rows of the outbox, written by the database itself, in the
-- commit of what they tell of, so that no release and no way of changing a product can leave one out. Ids are the
-- digits of their bytes. Sales write none, but for the one that makes a variant's units few (5, as in the low-stock list).
CREATE TRIGGER products_are_told_of_when_made AFTER INSERT ON products
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (randomblob(16), 'catalog.product_edited.v1', hex(NEW.product_id),
            json_object('product', hex(NEW.product_id), 'change', 'created', 'version', NEW.version,
                        'status', NEW.status),
            NEW.updated_at_ms);
END;

CREATE TRIGGER products_are_told_of_when_changed AFTER UPDATE OF version ON products
WHEN NEW.version <> OLD.version
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (randomblob(16), 'catalog.product_edited.v1', hex(NEW.product_id),
            json_object('product', hex(NEW.product_id),
                        'change', iif(NEW.status = 'archived' AND OLD.status <> 'archived', 'archived', 'changed'),
                        'version', NEW.version, 'status', NEW.status),
            NEW.updated_at_ms);
END;

CREATE TRIGGER stock_is_told_of_when_adjusted AFTER INSERT ON stock_adjustments
WHEN NEW.kind = 'adjusted'
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    SELECT randomblob(16), 'catalog.stock_adjusted.v1', hex(v.variant_id),
           json_object('variant', hex(v.variant_id), 'product', hex(p.product_id), 'delta', NEW.delta),
           NEW.at_ms
      FROM variants v
      JOIN products p ON p.product_number = v.product_number
     WHERE v.variant_number = NEW.variant_number;
END;

-- The row has no time of its own, so this is the database's.
CREATE TRIGGER stock_is_told_of_when_low AFTER UPDATE OF on_hand, reserved ON stock
WHEN NEW.on_hand - NEW.reserved <= 5 AND OLD.on_hand - OLD.reserved > 5
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    SELECT randomblob(16), 'catalog.stock_ran_low.v1', hex(v.variant_id),
           json_object('variant', hex(v.variant_id), 'product', hex(p.product_id),
                       'available', NEW.on_hand - NEW.reserved),
           CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
      FROM variants v
      JOIN products p ON p.product_number = v.product_number
     WHERE v.variant_number = NEW.variant_number
       AND p.status <> 'archived';
END;
