"""The catalogue: units, owners, categories, products, variants, barcodes, images."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UNITS = """
CREATE TABLE units (
  code       text PRIMARY KEY CHECK (code ~ '^[A-Za-z0-9_.²³%/-]{1,20}$'),
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  decimals   smallint NOT NULL CHECK (decimals BETWEEN 0 AND 4),
  base_code  text REFERENCES units (code) CHECK (base_code <> code),
  factor_num numeric NOT NULL DEFAULT 1 CHECK (factor_num > 0 AND factor_num = trunc(factor_num)),
  factor_den numeric NOT NULL DEFAULT 1 CHECK (factor_den > 0 AND factor_den = trunc(factor_den)),
  version    int NOT NULL DEFAULT 1,
  CONSTRAINT units_base_factor CHECK (base_code IS NOT NULL OR (factor_num = 1 AND factor_den = 1))
);
CREATE UNIQUE INDEX units_code_upper ON units (upper(code));
COMMENT ON COLUMN units.factor_num IS 'one of this unit is factor_num / factor_den of its base unit, exactly';
INSERT INTO units (code, name, decimals, base_code, factor_num, factor_den) VALUES
  ('each', 'Each', 0, NULL, 1, 1),
  ('kg', 'Kilogram', 3, NULL, 1, 1),
  ('m', 'Metre', 2, NULL, 1, 1),
  ('m2', 'Square metre', 2, NULL, 1, 1),
  ('m3', 'Cubic metre', 4, NULL, 1, 1),
  ('l', 'Litre', 3, NULL, 1, 1),
  ('h', 'Hour', 2, NULL, 1, 1),
  ('pair', 'Pair', 0, 'each', 2, 1),
  ('dozen', 'Dozen', 0, 'each', 12, 1),
  ('gross', 'Gross', 0, 'each', 144, 1),
  ('g', 'Gram', 0, 'kg', 1, 1000),
  ('t', 'Tonne', 4, 'kg', 1000, 1),
  ('lb', 'Pound', 3, 'kg', 45359237, 100000000),
  ('oz', 'Ounce', 2, 'kg', 45359237, 1600000000),
  ('cm', 'Centimetre', 0, 'm', 1, 100),
  ('mm', 'Millimetre', 0, 'm', 1, 1000),
  ('ft', 'Foot', 3, 'm', 3048, 10000),
  ('in', 'Inch', 2, 'm', 254, 10000),
  ('yd', 'Yard', 3, 'm', 9144, 10000),
  ('ml', 'Millilitre', 0, 'l', 1, 1000),
  ('gal', 'US gallon', 3, 'l', 3785411784, 1000000000);
GRANT SELECT, INSERT, UPDATE, DELETE ON units TO perpetua_app;
"""

OWNERS = """
CREATE TABLE owners (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code       text NOT NULL CHECK (code = btrim(code) AND length(code) BETWEEN 1 AND 64),
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
  active     boolean NOT NULL DEFAULT true,
  version    int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX owners_code_upper ON owners (upper(code));
COMMENT ON TABLE owners IS 'whose goods an item is: the company itself (id 1), or a client of ours';
INSERT INTO owners (id, code, name) OVERRIDING SYSTEM VALUE VALUES (1, 'OWN', 'Own goods');
ALTER TABLE owners ALTER COLUMN id RESTART WITH 2;
GRANT SELECT, INSERT, UPDATE ON owners TO perpetua_app;
"""

CATEGORIES = """
CREATE TABLE categories (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  parent_id  bigint REFERENCES categories (id) CHECK (parent_id <> id),
  path       bigint[] NOT NULL CHECK (path[array_length(path, 1)] = id),
  code       text NOT NULL CHECK (code = btrim(code) AND length(code) BETWEEN 1 AND 64),
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
  version    int NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX categories_code_upper ON categories (upper(code));
CREATE INDEX categories_parent ON categories (parent_id);
CREATE INDEX categories_path ON categories USING gin (path);
COMMENT ON COLUMN categories.path IS 'ids from the root down to this one';

CREATE FUNCTION category_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.path := COALESCE((SELECT path FROM categories WHERE id = NEW.parent_id), '{}') || NEW.id;
  RETURN NEW;
END $$;
CREATE TRIGGER category_path BEFORE INSERT ON categories FOR EACH ROW EXECUTE FUNCTION category_path();
GRANT SELECT, INSERT, UPDATE, DELETE ON categories TO perpetua_app;
"""

PRODUCTS = """
CREATE TABLE products (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
  description text NOT NULL DEFAULT '' CHECK (length(description) <= 20000),
  category_id bigint REFERENCES categories (id),
  owner_id    bigint NOT NULL DEFAULT 1 REFERENCES owners (id),
  attributes  jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
  active      boolean NOT NULL DEFAULT true,
  first_sku   text NOT NULL,
  version     int NOT NULL DEFAULT 1,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX products_category ON products (category_id) WHERE category_id IS NOT NULL;
CREATE INDEX products_owner ON products (owner_id) WHERE owner_id <> 1;
CREATE INDEX products_by_sku ON products (upper(first_sku), id);
CREATE INDEX products_by_name ON products (name, id);
CREATE INDEX products_by_change ON products (updated_at, id);
CREATE INDEX products_attributes ON products USING gin (attributes jsonb_path_ops);
COMMENT ON COLUMN products.first_sku IS 'the first of its variants'' SKUs, to sort by';
COMMENT ON COLUMN products.version IS 'grows with every change to the product, its variants, barcodes or images';
GRANT SELECT, INSERT, UPDATE, DELETE ON products TO perpetua_app;
"""

VARIANTS = """
CREATE TABLE product_variants (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id    bigint NOT NULL REFERENCES products (id),
  sku           text NOT NULL CHECK (sku = btrim(sku) AND length(sku) BETWEEN 1 AND 64),
  name          text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
  attributes    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
  unit          text NOT NULL DEFAULT 'each' REFERENCES units (code),
  tracking      text NOT NULL DEFAULT 'none' CHECK (tracking IN ('none', 'lot', 'serial')),
  cost_price    numeric(18,6) CHECK (cost_price >= 0),
  selling_price numeric(18,6) CHECK (selling_price >= 0),
  weight_kg     numeric(18,6) CHECK (weight_kg >= 0),
  length_mm     numeric(12,3) CHECK (length_mm > 0),
  width_mm      numeric(12,3) CHECK (width_mm > 0),
  height_mm     numeric(12,3) CHECK (height_mm > 0),
  active        boolean NOT NULL DEFAULT true,
  version       int NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL DEFAULT now(),
  updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX product_variants_sku_upper ON product_variants (upper(sku));
CREATE INDEX product_variants_product ON product_variants (product_id);
CREATE INDEX product_variants_unit ON product_variants (unit) WHERE unit <> 'each';
CREATE INDEX product_variants_attributes ON product_variants USING gin (attributes jsonb_path_ops);
COMMENT ON COLUMN product_variants.name IS 'the whole name, as shown on a list or label';
COMMENT ON COLUMN product_variants.unit IS 'the unit its stock is counted in';
GRANT SELECT, INSERT, UPDATE, DELETE ON product_variants TO perpetua_app;

CREATE TABLE barcodes (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  variant_id bigint NOT NULL REFERENCES product_variants (id) ON DELETE CASCADE,
  code       text NOT NULL CHECK (length(code) BETWEEN 1 AND 200),
  kind       text NOT NULL CHECK (kind IN
             ('ean13', 'ean8', 'upca', 'upce', 'gtin14', 'restricted', 'code128', 'qr', 'internal')),
  level      text NOT NULL DEFAULT 'each' CHECK (level IN ('each', 'inner', 'case', 'pallet')),
  units      numeric(18,4) NOT NULL DEFAULT 1 CHECK (units > 0),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX barcodes_code_upper ON barcodes (upper(code));
CREATE INDEX barcodes_variant ON barcodes (variant_id);
COMMENT ON COLUMN barcodes.code IS 'digits of a GTIN padded to 14; anything else as printed';
COMMENT ON COLUMN barcodes.units IS 'how many of the variant''s unit one scan stands for';
GRANT SELECT, INSERT, UPDATE, DELETE ON barcodes TO perpetua_app;

CREATE TABLE product_images (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
  sha256     text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  media_type text NOT NULL CHECK (media_type IN ('image/png', 'image/jpeg', 'image/webp')),
  size_bytes int NOT NULL CHECK (size_bytes > 0),
  position   int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (product_id, sha256)
);
CREATE INDEX product_images_sha256 ON product_images (sha256);
COMMENT ON COLUMN product_images.sha256 IS 'of the content, which is kept under this name in the object store';
GRANT SELECT, INSERT, UPDATE, DELETE ON product_images TO perpetua_app;
"""


def upgrade() -> None:
    for statements in (UNITS, OWNERS, CATEGORIES, PRODUCTS, VARIANTS):
        op.execute(statements)
