-- What is told of products and stock to others (ADR 82): rows of the outbox, written by the database itself, in the
-- commit of what they tell of, so that no release and no way of changing a product can leave one out. Ids are the
-- digits of their bytes. Sales write none, but for the one that makes a variant's units few (5, as in the low-stock list).
CREATE FUNCTION tell_of_product() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    digits TEXT := encode(uuid_send(NEW.product_id), 'hex');
    change TEXT := 'changed';
BEGIN
    IF TG_OP = 'INSERT' THEN
        change := 'created';
    ELSIF NEW.status = 'archived' AND OLD.status <> 'archived' THEN
        change := 'archived';
    END IF;
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (gen_random_uuid(), 'catalog.product_edited.v1', digits,
            json_build_object('product', digits, 'change', change, 'version', NEW.version, 'status', NEW.status)::text,
            NEW.updated_at_ms);
    RETURN NULL;
END
$$;

CREATE TRIGGER products_are_told_of_when_made AFTER INSERT ON products
    FOR EACH ROW EXECUTE FUNCTION tell_of_product();
CREATE TRIGGER products_are_told_of_when_changed AFTER UPDATE ON products
    FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION tell_of_product();

CREATE FUNCTION tell_of_adjustment() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    SELECT gen_random_uuid(), 'catalog.stock_adjusted.v1', encode(uuid_send(v.variant_id), 'hex'),
           json_build_object('variant', encode(uuid_send(v.variant_id), 'hex'),
                             'product', encode(uuid_send(p.product_id), 'hex'), 'delta', NEW.delta)::text,
           NEW.at_ms
      FROM variants v
      JOIN products p ON p.product_number = v.product_number
     WHERE v.variant_number = NEW.variant_number;
    RETURN NULL;
END
$$;

CREATE TRIGGER stock_is_told_of_when_adjusted AFTER INSERT ON stock_adjustments
    FOR EACH ROW WHEN (NEW.kind = 'adjusted') EXECUTE FUNCTION tell_of_adjustment();

-- The row has no time of its own, so this is the database's.
CREATE FUNCTION tell_of_low_stock() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    SELECT gen_random_uuid(), 'catalog.stock_ran_low.v1', encode(uuid_send(v.variant_id), 'hex'),
           json_build_object('variant', encode(uuid_send(v.variant_id), 'hex'),
                             'product', encode(uuid_send(p.product_id), 'hex'),
                             'available', NEW.on_hand - NEW.reserved)::text,
           (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint
      FROM variants v
      JOIN products p ON p.product_number = v.product_number
     WHERE v.variant_number = NEW.variant_number
       AND p.status <> 'archived';
    RETURN NULL;
END
$$;

CREATE TRIGGER stock_is_told_of_when_low AFTER UPDATE ON stock
    FOR EACH ROW WHEN (NEW.on_hand - NEW.reserved <= 5 AND OLD.on_hand - OLD.reserved > 5)
    EXECUTE FUNCTION tell_of_low_stock();
