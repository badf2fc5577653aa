-- What a provider told of a payment is found by the payment, newest first.
CREATE INDEX callbacks_by_key ON callbacks (key, callback_number);
