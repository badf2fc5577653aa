-- What buyers say of products, one each. The author's id is here for that, and is shown to nobody.
CREATE TABLE product_reviews (
    review_number  INTEGER PRIMARY KEY,
    review_id      BLOB NOT NULL,
    product_number INTEGER NOT NULL,
    user_id        BLOB NOT NULL,
    rating         INTEGER NOT NULL,
    title          TEXT NOT NULL,
    text           TEXT NOT NULL,
    author         TEXT NOT NULL,
    status         TEXT NOT NULL,
    version        INTEGER NOT NULL,
    created_at_ms  INTEGER NOT NULL,
    updated_at_ms  INTEGER NOT NULL,
    CONSTRAINT product_reviews_id_key UNIQUE (review_id),
    CONSTRAINT product_reviews_once UNIQUE (product_number, user_id),
    CONSTRAINT product_reviews_id_length CHECK (length(review_id) = 16),
    CONSTRAINT product_reviews_user_length CHECK (length(user_id) = 16),
    CONSTRAINT product_reviews_rating_bounds CHECK (rating BETWEEN 1 AND 5),
    CONSTRAINT product_reviews_status_known CHECK (status IN ('shown', 'hidden')),
    CONSTRAINT product_reviews_product FOREIGN KEY (product_number) REFERENCES products (product_number)
) STRICT;

CREATE INDEX product_reviews_by_product ON product_reviews (product_number, status, review_number);
CREATE INDEX product_reviews_by_user ON product_reviews (user_id, review_number);

-- Count and sum of those that are shown, written by the database in the commit of each review, so that the average is
-- exact whoever writes. The version counts changes, for the entity tag of the product that shows them.
CREATE TABLE product_ratings (
    product_number INTEGER PRIMARY KEY,
    count          INTEGER NOT NULL,
    sum            INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    CONSTRAINT product_ratings_bounds CHECK (count >= 0 AND sum >= count AND sum <= 5 * count),
    CONSTRAINT product_ratings_product FOREIGN KEY (product_number) REFERENCES products (product_number)
) STRICT;

CREATE TRIGGER product_reviews_are_counted_when_made AFTER INSERT ON product_reviews
BEGIN
    INSERT INTO product_ratings (product_number, count, sum, version)
    VALUES (NEW.product_number, iif(NEW.status = 'shown', 1, 0), iif(NEW.status = 'shown', NEW.rating, 0), 1)
        ON CONFLICT (product_number) DO UPDATE
       SET count = count + excluded.count, sum = sum + excluded.sum, version = version + 1;
END;

CREATE TRIGGER product_reviews_are_counted_when_changed AFTER UPDATE ON product_reviews
BEGIN
    UPDATE product_ratings
       SET count = count + iif(NEW.status = 'shown', 1, 0) - iif(OLD.status = 'shown', 1, 0),
           sum = sum + iif(NEW.status = 'shown', NEW.rating, 0) - iif(OLD.status = 'shown', OLD.rating, 0),
           version = version + 1
     WHERE product_number = NEW.product_number;
END;

CREATE TRIGGER product_reviews_are_counted_when_gone AFTER DELETE ON product_reviews
BEGIN
    UPDATE product_ratings
       SET count = count - iif(OLD.status = 'shown', 1, 0),
           sum = sum - iif(OLD.status = 'shown', OLD.rating, 0),
           version = version + 1
     WHERE product_number = OLD.product_number;
END;
