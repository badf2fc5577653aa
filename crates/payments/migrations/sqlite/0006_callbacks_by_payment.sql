-- What a provider told of a payment is found by the payment, newest first: an entry ends with the callback's number.
CREATE INDEX callbacks_by_key ON callbacks (key);
