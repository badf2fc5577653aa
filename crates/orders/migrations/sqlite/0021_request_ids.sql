-- Which request brought about what a timeline tells: what people say and what the logs say can be read together. NULL
-- where the shop acted by itself, and in what was written before.
ALTER TABLE order_events ADD COLUMN request_id TEXT;
