-- Orders of guests are found by their address when it turns out whose it is.
CREATE INDEX orders_by_guest ON orders (LOWER(guest_email)) WHERE guest_email IS NOT NULL;
