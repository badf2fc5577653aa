-- What a row may say is checked without IN (...), for which SQLite fills a table of its own with the words, for each row
-- that is written. The rows stay as they are.
CREATE TABLE orders_anew (
    order_number      INTEGER PRIMARY KEY,
    order_id          BLOB NOT NULL,
    customer_id       BLOB,
    guest_email       TEXT,
    fingerprint       BLOB NOT NULL,
    status            TEXT NOT NULL,
    version           INTEGER NOT NULL,
    total_minor       INTEGER NOT NULL,
    currency          TEXT NOT NULL,
    tracking          TEXT,
    payment_id        BLOB,
    payment_due_at_ms INTEGER NOT NULL,
    created_at_ms     INTEGER NOT NULL,
    updated_at_ms     INTEGER NOT NULL,
    CONSTRAINT orders_order_id_length CHECK (length(order_id) = 16),
    CONSTRAINT orders_status_known
        CHECK (status = 'pending' OR status = 'paid' OR status = 'shipped' OR status = 'delivered'
               OR status = 'cancelled' OR status = 'refunded'),
    CONSTRAINT orders_total_not_negative CHECK (total_minor >= 0),
    CONSTRAINT orders_version_positive CHECK (version >= 1),
    CONSTRAINT orders_paid_by_a_payment
        CHECK (status = 'pending' OR status = 'cancelled' OR payment_id IS NOT NULL)
) STRICT;

INSERT INTO orders_anew (order_number, order_id, customer_id, guest_email, fingerprint, status, version, total_minor,
                         currency, tracking, payment_id, payment_due_at_ms, created_at_ms, updated_at_ms)
SELECT order_number, order_id, customer_id, guest_email, fingerprint, status, version, total_minor, currency,
       tracking, payment_id, payment_due_at_ms, created_at_ms, updated_at_ms
  FROM orders
 ORDER BY order_number;

DROP TABLE orders;
ALTER TABLE orders_anew RENAME TO orders;

CREATE INDEX orders_by_customer ON orders (customer_id, order_number) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_by_status ON orders (status, order_number);
CREATE INDEX orders_by_created ON orders (created_at_ms);
CREATE INDEX orders_by_payment_due ON orders (payment_due_at_ms) WHERE status = 'pending';
