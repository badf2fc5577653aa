-- Discounts that are given by themselves, and what discounts are for: products, categories, what must be bought.
ALTER TABLE discounts ADD COLUMN name TEXT;
ALTER TABLE discounts ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT FALSE;
-- As JSON; nothing for those that take something off all goods.
ALTER TABLE discounts ADD COLUMN rules TEXT;
CREATE INDEX discounts_automatic ON discounts (code) WHERE automatic AND active;

-- The code of a discount, where the part's title is its name.
ALTER TABLE order_parts ADD COLUMN code TEXT;
