-- All returns in one list, newest first: of any status, and of one, by which they are counted as well.
CREATE INDEX returns_by_created ON returns (created_at_ms, order_number, return_number);
CREATE INDEX returns_by_status ON returns (status, created_at_ms, order_number, return_number);
