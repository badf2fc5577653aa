-- Payments that stand alike are listed newest first and counted by this index alone.
CREATE INDEX payments_by_status ON payments (status, payment_number);
