-- Payments that stand alike are listed newest first and counted by this index alone: its entries end with the number.
CREATE INDEX payments_by_status ON payments (status);
