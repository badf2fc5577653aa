-- What pgbench calls: one order in one call and one commit. It writes the rows that the shop writes for an order, into
-- tables with the same columns, indices and constraints, and does nothing else. The stock comes last, so that whoever
-- wants the same product waits for the commit only.
CREATE SCHEMA bench;

CREATE FUNCTION bench.place(wanted BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $$
DECLARE
    new_id       UUID := gen_random_uuid();
    fingerprint  BYTEA := sha256(uuid_send(new_id));
    -- As long as the shop's, which is not written in hexadecimal digits.
    subject      TEXT := LEFT(new_id::text, 30);
    now_ms       BIGINT := (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint;
    offer        RECORD;
    reservation  BIGINT;
    order_number BIGINT;
BEGIN
    SELECT p.product_id, v.variant_id, p.owner_id, v.sku, p.name, v.price_minor, v.currency
      INTO STRICT offer
      FROM catalog.variants v
      JOIN catalog.products p ON p.product_number = v.product_number
     WHERE v.variant_number = wanted AND p.status = 'active';

    INSERT INTO catalog.reservations (order_id, state, fingerprint, hold_until_at_ms, created_at_ms)
    VALUES (new_id, 'open', fingerprint, now_ms + 900000, now_ms)
    RETURNING reservation_number INTO reservation;
    INSERT INTO catalog.reservation_lines (reservation_number, line_number, variant_number, quantity,
                                           unit_price_minor, currency)
    VALUES (reservation, 0, wanted, 1, offer.price_minor, offer.currency);

    INSERT INTO orders.orders AS o (order_id, customer_id, fingerprint, status, version, total_minor, currency,
                                    payment_due_at_ms, created_at_ms, updated_at_ms)
    VALUES (new_id, offer.owner_id, fingerprint, 'pending', 1, offer.price_minor, offer.currency, now_ms + 900000,
            now_ms, now_ms)
    RETURNING o.order_number INTO order_number;
    INSERT INTO orders.order_lines (order_number, line_number, product_id, variant_id, seller_id, sku, name, quantity,
                                    unit_price_minor)
    VALUES (order_number, 1, offer.product_id, offer.variant_id, offer.owner_id, offer.sku, offer.name, 1,
            offer.price_minor);
    INSERT INTO orders.order_events (order_number, sequence, kind, status, version, actor, at_ms, request_id)
    VALUES (order_number, 1, 'placed', 'pending', 1, offer.owner_id::text, now_ms, new_id::text);
    INSERT INTO orders.outbox (event_id, name, subject, payload, at_ms)
    VALUES (gen_random_uuid(), 'orders.placed.v1', subject,
            '{"order_id":"' || subject || '","number":' || order_number || ',"total":{"amount":'
            || offer.price_minor || ',"currency":"' || offer.currency || '"}}',
            now_ms);

    UPDATE catalog.stock
       SET reserved = reserved + 1, version = version + 1
     WHERE variant_number = wanted AND on_hand - reserved >= 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'variant % is sold out', wanted;
    END IF;
    RETURN order_number;
END
$$;
