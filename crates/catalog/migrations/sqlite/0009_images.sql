-- Pictures of products, in their order (ADR 69). What a seller sent is not kept, but what was drawn of it, in two sizes.
CREATE TABLE product_images (
    image_number   INTEGER PRIMARY KEY,
    image_id       BLOB NOT NULL,
    product_number INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    alt            TEXT NOT NULL,
    large_name     TEXT NOT NULL,
    large_width    INTEGER NOT NULL,
    large_height   INTEGER NOT NULL,
    small_name     TEXT NOT NULL,
    small_width    INTEGER NOT NULL,
    small_height   INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    created_at_ms  INTEGER NOT NULL,
    CONSTRAINT product_images_id_key UNIQUE (image_id),
    CONSTRAINT product_images_once UNIQUE (product_number, large_name),
    CONSTRAINT product_images_id_length CHECK (length(image_id) = 16),
    CONSTRAINT product_images_sizes_positive
        CHECK (large_width >= 1 AND large_height >= 1 AND small_width >= 1 AND small_height >= 1),
    CONSTRAINT product_images_version_positive CHECK (version >= 1),
    CONSTRAINT product_images_product FOREIGN KEY (product_number) REFERENCES products (product_number)
) STRICT;

-- Their files, named by what is in them. Each picture has its own, also where two are alike: one that goes takes nothing
-- away from another.
CREATE TABLE image_files (
    image_number INTEGER NOT NULL,
    name         TEXT NOT NULL,
    bytes        BLOB NOT NULL,
    CONSTRAINT image_files_pk PRIMARY KEY (image_number, name),
    CONSTRAINT image_files_bytes_bounds CHECK (length(bytes) BETWEEN 1 AND 4194304),
    CONSTRAINT image_files_image FOREIGN KEY (image_number) REFERENCES product_images (image_number)
) STRICT;

CREATE INDEX image_files_by_name ON image_files (name);

-- How often what is shown of a product beside its document changed: part of its entity tag.
CREATE TABLE product_extras (
    product_number INTEGER PRIMARY KEY,
    version        INTEGER NOT NULL,
    CONSTRAINT product_extras_version_positive CHECK (version >= 1),
    CONSTRAINT product_extras_product FOREIGN KEY (product_number) REFERENCES products (product_number)
) STRICT;
