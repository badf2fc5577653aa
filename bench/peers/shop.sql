-- What the Express and the Flask shop of the benchmark keep. One schema for both: users, products with a version for
-- optimistic locking, orders with lines. The suite runs it, and then fills in products.
CREATE TABLE users (
  user_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  username text NOT NULL UNIQUE,
  password text NOT NULL
);
CREATE TABLE products (
  product_id  bigint PRIMARY KEY,
  name        text NOT NULL,
  description text NOT NULL,
  price_minor bigint NOT NULL CHECK (price_minor >= 0),
  stock       bigint NOT NULL CHECK (stock >= 0),
  version     integer NOT NULL DEFAULT 1
);
CREATE TABLE orders (
  order_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id     bigint NOT NULL REFERENCES users,
  status      text NOT NULL DEFAULT 'pending',
  total_minor bigint NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_by_user ON orders (user_id);
CREATE TABLE order_lines (
  order_id         bigint NOT NULL REFERENCES orders,
  product_id       bigint NOT NULL REFERENCES products,
  quantity         integer NOT NULL CHECK (quantity > 0),
  unit_price_minor bigint NOT NULL,
  PRIMARY KEY (order_id, product_id)
);
