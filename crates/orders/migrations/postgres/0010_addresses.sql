-- Where an order goes, if that was said: one document, written with the order, gone with the customer. A cart has one
-- until it is bought.
CREATE TABLE order_addresses (
    order_number BIGINT NOT NULL,
    address      TEXT NOT NULL,
    CONSTRAINT order_addresses_pk PRIMARY KEY (order_number),
    CONSTRAINT order_addresses_order FOREIGN KEY (order_number) REFERENCES orders (order_number)
);

ALTER TABLE carts ADD COLUMN shipping_address TEXT;
