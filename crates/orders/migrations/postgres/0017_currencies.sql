-- The currency that a cart is bought in, where that was said (ADR 77). An order always had its own.
ALTER TABLE carts ADD COLUMN currency TEXT;
