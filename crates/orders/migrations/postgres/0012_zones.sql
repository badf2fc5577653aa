-- What a way of shipping costs by place, weight and sum: one document, for it is read and written whole; none where it
-- costs always the same.
ALTER TABLE shipping_methods ADD COLUMN rules TEXT;
