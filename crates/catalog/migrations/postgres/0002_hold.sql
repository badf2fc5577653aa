-- Stock held for a batch of orders, as it was decided from what was read before, in one call: one statement, and so a
-- transaction by itself (ADR 36). All of it, or an error that says by a constraint's name that the shelf has changed:
-- `reservations_order_key` if one of the orders has a reservation, `stock_as_decided` if units are gone or a product
-- was edited. The name has a number: a release that needs another function adds one beside it, for the release before
-- still calls this.
--
-- Orders come sorted by their ids, so that two nodes with the same twins wait for each other in one direction only;
-- lines say by place which order they belong to. Stock is locked last, and held for two statements and the commit.
CREATE FUNCTION hold_stock_1(
    ids UUID[], fingerprints BYTEA[], hold_until BIGINT[], now_ms BIGINT,
    line_places BIGINT[], line_numbers BIGINT[], line_variants BIGINT[], quantities BIGINT[], prices BIGINT[],
    currencies TEXT[],
    taken_variants BIGINT[], taken_units BIGINT[], seen_versions BIGINT[]
) RETURNS VOID LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    numbers BIGINT[];
    taken   BIGINT;
BEGIN
    WITH held AS (
        INSERT INTO reservations (order_id, state, fingerprint, hold_until_at_ms, created_at_ms)
        SELECT wish.order_id, 'open', wish.fingerprint, wish.hold_until_at_ms, now_ms
          FROM UNNEST(ids, fingerprints, hold_until) AS wish (order_id, fingerprint, hold_until_at_ms)
         ORDER BY wish.order_id
        RETURNING reservation_number, order_id
    )
    SELECT ARRAY_AGG(held.reservation_number ORDER BY held.order_id) INTO numbers FROM held;

    INSERT INTO reservation_lines (reservation_number, line_number, variant_number, quantity, unit_price_minor, currency)
    SELECT numbers[line.place], line.line_number, line.variant_number, line.quantity, line.unit_price_minor,
           line.currency
      FROM UNNEST(line_places, line_numbers, line_variants, quantities, prices, currencies)
           AS line (place, line_number, variant_number, quantity, unit_price_minor, currency);

    -- An UPDATE locks rows in the order of its plan, whatever that is; this keeps the order of numbers. What comes next
    -- sees what was committed until these locks were had.
    PERFORM 1
       FROM stock
      WHERE stock.variant_number = ANY(taken_variants)
      ORDER BY stock.variant_number
        FOR NO KEY UPDATE;

    UPDATE stock
       SET reserved = stock.reserved + wish.units, version = stock.version + 1
      FROM UNNEST(taken_variants, taken_units, seen_versions) AS wish (variant_number, units, version)
      JOIN variants ON variants.variant_number = wish.variant_number
      JOIN products ON products.product_number = variants.product_number
     WHERE stock.variant_number = wish.variant_number
       AND stock.on_hand - stock.reserved >= wish.units
       AND products.version = wish.version;
    GET DIAGNOSTICS taken = ROW_COUNT;
    IF taken <> CARDINALITY(taken_variants) THEN
        RAISE EXCEPTION 'the shelf has changed' USING ERRCODE = 'check_violation', CONSTRAINT = 'stock_as_decided';
    END IF;
END
$$;
