-- When a product goes on sale and comes off it (ADR 70): the clock decides on reading, and nobody changes a row for it.
-- What waits for its moment has the status `active`.
ALTER TABLE products ADD COLUMN publish_at_ms INTEGER;
ALTER TABLE products ADD COLUMN unpublish_at_ms INTEGER
    CONSTRAINT products_off_after_on CHECK (unpublish_at_ms > publish_at_ms);

-- What else whoever looks at a product may like: ids of products, in order, as JSON.
ALTER TABLE products ADD COLUMN related TEXT NOT NULL DEFAULT '[]';
