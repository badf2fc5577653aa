-- What is told of payments to others (ADR 82): rows of the outbox, written by the database itself, in the commit of what
-- they tell of. Ids are the digits of their bytes.
CREATE FUNCTION tell_of_payment() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    digits TEXT := encode(uuid_send(NEW.payment_id), 'hex');
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (gen_random_uuid(), 'payments.payment_ended.v1', digits,
            json_build_object('payment', digits, 'order', encode(uuid_send(NEW.order_id), 'hex'),
                              'status', NEW.status, 'amount_minor', NEW.amount_minor, 'currency', NEW.currency)::text,
            NEW.updated_at_ms);
    RETURN NULL;
END
$$;

CREATE TRIGGER payments_are_told_of_when_ended AFTER UPDATE ON payments
    FOR EACH ROW WHEN (NEW.status <> OLD.status AND NEW.status IN ('captured', 'declined', 'voided'))
    EXECUTE FUNCTION tell_of_payment();

CREATE FUNCTION tell_of_refund() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    digits TEXT := encode(uuid_send(NEW.payment_id), 'hex');
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (gen_random_uuid(), 'payments.refund_booked.v1', digits,
            json_build_object('refund', encode(uuid_send(NEW.refund_id), 'hex'), 'payment', digits,
                              'order', encode(uuid_send(NEW.order_id), 'hex'),
                              'amount_minor', NEW.amount_minor, 'currency', NEW.currency)::text,
            NEW.updated_at_ms);
    RETURN NULL;
END
$$;

CREATE TRIGGER refunds_are_told_of_when_booked AFTER UPDATE ON refunds
    FOR EACH ROW WHEN (OLD.stage = 'decided' AND NEW.stage <> 'decided')
    EXECUTE FUNCTION tell_of_refund();

CREATE FUNCTION tell_of_review() RETURNS TRIGGER LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO outbox (event_id, name, subject, payload, at_ms)
    VALUES (gen_random_uuid(), 'payments.review_kept.v1', NEW.subject,
            json_build_object('kind', NEW.kind, 'subject', NEW.subject)::text,
            NEW.at_ms);
    RETURN NULL;
END
$$;

CREATE TRIGGER reviews_are_told_of_when_kept AFTER INSERT ON reviews
    FOR EACH ROW EXECUTE FUNCTION tell_of_review();
