-- What is told of payments to others (ADR 82): rows of the outbox, written by the database itself, in the commit of what
-- they tell of. Ids are the digits of their bytes.
CREATE TRIGGER payments_are_told_of_when_ended AFTER UPDATE OF status ON payments
WHEN NEW.status <> OLD.status AND NEW.status IN ('captured', 'declined', 'voided')
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (randomblob(16), 'payments.payment_ended.v1', hex(NEW.payment_id),
            json_object('payment', hex(NEW.payment_id), 'order', hex(NEW.order_id), 'status', NEW.status,
                        'amount_minor', NEW.amount_minor, 'currency', NEW.currency),
            NEW.updated_at_ms);
END;

CREATE TRIGGER refunds_are_told_of_when_booked AFTER UPDATE OF stage ON refunds
WHEN OLD.stage = 'decided' AND NEW.stage <> 'decided'
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (randomblob(16), 'payments.refund_booked.v1', hex(NEW.payment_id),
            json_object('refund', hex(NEW.refund_id), 'payment', hex(NEW.payment_id), 'order', hex(NEW.order_id),
                        'amount_minor', NEW.amount_minor, 'currency', NEW.currency),
            NEW.updated_at_ms);
END;

CREATE TRIGGER reviews_are_told_of_when_kept AFTER INSERT ON reviews
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (randomblob(16), 'payments.review_kept.v1', NEW.subject,
            json_object('kind', NEW.kind, 'subject', NEW.subject),
            NEW.at_ms);
END;
