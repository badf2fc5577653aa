-- When a product goes on sale and comes off it (ADR 70): the clock decides on reading, and nobody changes a row for it.
-- What waits for its moment has the status `active`.
ALTER TABLE products
    ADD COLUMN publish_at_ms BIGINT,
    ADD COLUMN unpublish_at_ms BIGINT,
    -- What else whoever looks at a product may like: ids of products, in order, as JSON.
    ADD COLUMN related TEXT NOT NULL DEFAULT '[]',
    ADD CONSTRAINT products_off_after_on CHECK (unpublish_at_ms > publish_at_ms);
