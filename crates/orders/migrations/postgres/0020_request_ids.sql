-- Which request brought about what a timeline tells: what people say and what the logs say can be read together. NULL
-- where the shop acted by itself, and in what was written before.
ALTER TABLE order_events ADD COLUMN request_id TEXT;

-- As `place_orders_1` (0002_place.sql), and with the requests' ids. The release before still calls that one.
CREATE FUNCTION place_orders_2(
    ids UUID[], customers UUID[], emails TEXT[], fingerprints BYTEA[], totals BIGINT[], currencies TEXT[],
    due BIGINT[], times BIGINT[], actors TEXT[], requests TEXT[],
    line_places BIGINT[], line_numbers BIGINT[], products UUID[], variants UUID[], sellers UUID[], skus TEXT[],
    names TEXT[], quantities BIGINT[], prices BIGINT[],
    event_ids UUID[], event_names TEXT[], subjects TEXT[], payloads TEXT[]
) RETURNS BIGINT[] LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    numbers     BIGINT[];
    written_ids UUID[];
BEGIN
    -- Many may place at once, but an id is given up only when nobody does. Each statement here sees what was committed
    -- when it begins: the next one begins when it has the lock.
    PERFORM pg_advisory_xact_lock_shared(7102);

    WITH written AS (
        INSERT INTO orders (order_id, customer_id, guest_email, fingerprint, status, version, total_minor, currency,
                            payment_due_at_ms, created_at_ms, updated_at_ms)
        SELECT wish.order_id, wish.customer_id, wish.guest_email, wish.fingerprint, 'pending', 1, wish.total_minor,
               wish.currency, wish.due_at_ms, wish.at_ms, wish.at_ms
          FROM UNNEST(ids, customers, emails, fingerprints, totals, currencies, due, times)
               AS wish (order_id, customer_id, guest_email, fingerprint, total_minor, currency, due_at_ms, at_ms)
         WHERE NOT EXISTS (SELECT 1 FROM abandoned_orders abandoned WHERE abandoned.order_id = wish.order_id)
         ORDER BY wish.order_id
        ON CONFLICT (order_id) DO NOTHING
        RETURNING order_number, order_id
    )
    SELECT ARRAY_AGG(written.order_number ORDER BY written.order_id), ARRAY_AGG(written.order_id ORDER BY written.order_id)
      INTO numbers, written_ids
      FROM written;

    IF CARDINALITY(numbers) IS DISTINCT FROM CARDINALITY(ids) THEN
        SELECT ARRAY_AGG(numbers[ARRAY_POSITION(written_ids, wish.order_id)] ORDER BY wish.place)
          INTO numbers
          FROM UNNEST(ids) WITH ORDINALITY AS wish (order_id, place);
    END IF;

    INSERT INTO order_lines (order_number, line_number, product_id, variant_id, seller_id, sku, name, quantity,
                             unit_price_minor)
    SELECT numbers[line.place], line.line_number, line.product_id, line.variant_id, line.seller_id, line.sku, line.name,
           line.quantity, line.unit_price_minor
      FROM UNNEST(line_places, line_numbers, products, variants, sellers, skus, names, quantities, prices)
           AS line (place, line_number, product_id, variant_id, seller_id, sku, name, quantity, unit_price_minor)
     WHERE numbers[line.place] IS NOT NULL;

    INSERT INTO order_events (order_number, sequence, kind, status, version, actor, at_ms, request_id)
    SELECT numbers[entry.place], 1, 'placed', 'pending', 1, entry.actor, entry.at_ms, entry.request_id
      FROM UNNEST(actors, times, requests) WITH ORDINALITY AS entry (actor, at_ms, request_id, place)
     WHERE numbers[entry.place] IS NOT NULL;

    -- Last, so that numbers of events are drawn behind what they tell of (ADR 25). The order's number is not known to
    -- whoever wrote the event: there it stands as 0.
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    SELECT event.event_id, event.name, event.subject,
           REPLACE(event.payload, '"number":0,', '"number":' || numbers[event.place] || ','), event.at_ms
      FROM UNNEST(event_ids, event_names, subjects, payloads, times) WITH ORDINALITY
           AS event (event_id, name, subject, payload, at_ms, place)
     WHERE numbers[event.place] IS NOT NULL
     ORDER BY event.place;

    RETURN numbers;
END
$$;
