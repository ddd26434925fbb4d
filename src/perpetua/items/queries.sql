-- Statements of the catalogue that work on sets or lock. Lookups come first: other words' transactions use them.

-- name: refs_by_sku
SELECT asked.sku AS asked, v.id, v.product_id, v.sku, v.name, v.unit, u.decimals, v.tracking,
       v.active AND p.active AS active, p.owner_id, trim_scale(v.cost_price) AS cost_price,
       EXISTS (SELECT FROM kit_components k WHERE k.kit_id = v.id) AS kit
FROM unnest(%(skus)s::text[]) AS asked(sku)
JOIN product_variants v ON upper(v.sku) = upper(asked.sku)
JOIN products p ON p.id = v.product_id
JOIN units u ON u.code = v.unit;

-- name: refs_by_id
SELECT v.id, v.product_id, v.sku, v.name, v.unit, u.decimals, v.tracking,
       v.active AND p.active AS active, p.owner_id, trim_scale(v.cost_price) AS cost_price,
       EXISTS (SELECT FROM kit_components k WHERE k.kit_id = v.id) AS kit
FROM product_variants v
JOIN products p ON p.id = v.product_id
JOIN units u ON u.code = v.unit
WHERE v.id = ANY(%(ids)s::bigint[]);

-- name: refs_by_barcode
-- `place` numbers the question, `turn` the forms in which it may be kept: the first form that is there answers.
SELECT DISTINCT ON (asked.place) asked.place, b.code AS barcode, b.kind, b.level, trim_scale(b.units) AS units,
       v.id, v.product_id, v.sku, v.name, v.unit, u.decimals, v.tracking,
       v.active AND p.active AS active, p.owner_id, trim_scale(v.cost_price) AS cost_price,
       EXISTS (SELECT FROM kit_components k WHERE k.kit_id = v.id) AS kit
FROM unnest(%(places)s::int[], %(turns)s::int[], %(codes)s::text[]) AS asked(place, turn, code)
JOIN barcodes b ON upper(b.code) = upper(asked.code)
JOIN product_variants v ON v.id = b.variant_id
JOIN products p ON p.id = v.product_id
JOIN units u ON u.code = v.unit
ORDER BY asked.place, asked.turn;

-- name: products_by_id
SELECT p.id, p.name, p.description, p.category_id, p.owner_id, p.attributes, p.active, p.version,
       p.created_at, p.updated_at
FROM products p WHERE p.id = ANY(%(ids)s::bigint[]);

-- name: variants_of_products
SELECT v.id, v.product_id, v.sku, v.name, v.attributes, v.unit, v.tracking, trim_scale(v.cost_price) AS cost_price,
       trim_scale(v.selling_price) AS selling_price, trim_scale(v.weight_kg) AS weight_kg,
       trim_scale(v.length_mm) AS length_mm, trim_scale(v.width_mm) AS width_mm, trim_scale(v.height_mm) AS height_mm,
       v.active, v.version, v.created_at, v.updated_at,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('variant_id', c.id, 'sku', c.sku, 'quantity', trim_scale(k.quantity)::text)
                                  ORDER BY c.sku), '[]')
        FROM kit_components k JOIN product_variants c ON c.id = k.component_id WHERE k.kit_id = v.id) AS components
FROM product_variants v WHERE v.product_id = ANY(%(ids)s::bigint[]) ORDER BY upper(v.sku);

-- name: barcodes_of_products
SELECT b.variant_id, b.id, b.code, b.kind, b.level, trim_scale(b.units) AS units
FROM product_variants v JOIN barcodes b ON b.variant_id = v.id
WHERE v.product_id = ANY(%(ids)s::bigint[]) ORDER BY b.units, b.id;

-- name: images_of_products
SELECT i.product_id, i.id, i.sha256, i.media_type, i.size_bytes, i.position
FROM product_images i WHERE i.product_id = ANY(%(ids)s::bigint[]) ORDER BY i.position, i.id;

-- name: lock_product
-- Whoever changes a product, its variants, barcodes or images takes this first.
SELECT id FROM products WHERE id = %(id)s FOR NO KEY UPDATE;

-- name: lock_products_by_sku
-- In the order of ids, so that two loads of the same items wait for each other and never lock crosswise.
SELECT p.id FROM products p
WHERE p.id IN (SELECT v.product_id FROM product_variants v
               JOIN unnest(%(skus)s::text[]) AS asked(sku) ON upper(v.sku) = upper(asked.sku)
               UNION SELECT unnest(%(ids)s::bigint[]))
ORDER BY p.id FOR NO KEY UPDATE;

-- name: products_of_skus
-- Of each key the product of the first of its SKUs that is there.
SELECT DISTINCT ON (asked.key) asked.key, asked.turn, v.product_id
FROM unnest(%(keys)s::text[], %(turns)s::int[], %(skus)s::text[]) AS asked(key, turn, sku)
JOIN product_variants v ON upper(v.sku) = asked.sku
ORDER BY asked.key, asked.turn;

-- name: products_of_names
SELECT p.name, min(p.id) AS id, count(*) AS products FROM products p
WHERE p.name = ANY(%(names)s::text[]) GROUP BY p.name;

-- name: insert_products
INSERT INTO products (name, description, category_id, owner_id, attributes, active, first_sku)
SELECT n.name, n.description, n.category_id, n.owner_id, n.attributes, n.active, n.first_sku
FROM json_to_recordset(%(rows)s::json)
  AS n(name text, description text, category_id bigint, owner_id bigint, attributes jsonb, active boolean,
       first_sku text)
RETURNING id, first_sku;

-- name: insert_variants
INSERT INTO product_variants (product_id, sku, name, attributes, unit, tracking, cost_price, selling_price, weight_kg,
                              length_mm, width_mm, height_mm, active)
SELECT n.product_id, n.sku, n.name, n.attributes, n.unit, n.tracking, n.cost_price, n.selling_price,
       n.weight_kg, n.length_mm, n.width_mm, n.height_mm, n.active
FROM json_to_recordset(%(rows)s::json)
  AS n(product_id bigint, sku text, name text, attributes jsonb, unit text, tracking text, cost_price numeric,
       selling_price numeric, weight_kg numeric, length_mm numeric, width_mm numeric, height_mm numeric,
       active boolean)
RETURNING id, sku;

-- name: insert_barcodes
INSERT INTO barcodes (variant_id, code, kind, level, units)
SELECT n.variant_id, n.code, n.kind, n.level, n.units
FROM json_to_recordset(%(rows)s::json) AS n(variant_id bigint, code text, kind text, level text, units numeric)
RETURNING id;

-- name: update_variants
UPDATE product_variants v
SET sku = n.sku, name = n.name, attributes = n.attributes::jsonb, unit = n.unit, tracking = n.tracking,
    cost_price = n.cost_price, selling_price = n.selling_price, weight_kg = n.weight_kg, length_mm = n.length_mm,
    width_mm = n.width_mm, height_mm = n.height_mm, active = n.active, version = v.version + 1, updated_at = now()
FROM unnest(%(id)s::bigint[], %(sku)s::text[], %(name)s::text[], %(attributes)s::text[], %(unit)s::text[],
            %(tracking)s::text[], %(cost_price)s::numeric[], %(selling_price)s::numeric[], %(weight_kg)s::numeric[],
            %(length_mm)s::numeric[], %(width_mm)s::numeric[], %(height_mm)s::numeric[], %(active)s::boolean[])
  AS n(id, sku, name, attributes, unit, tracking, cost_price, selling_price, weight_kg,
       length_mm, width_mm, height_mm, active)
WHERE v.id = n.id;

-- name: update_products
-- Also where only something below changed: the version and the first SKU follow.
UPDATE products p
SET name = n.name, description = n.description, category_id = n.category_id, owner_id = n.owner_id,
    attributes = n.attributes::jsonb, active = n.active, version = p.version + 1, updated_at = now(),
    first_sku = (SELECT v.sku FROM product_variants v WHERE v.product_id = p.id ORDER BY upper(v.sku) LIMIT 1)
FROM unnest(%(id)s::bigint[], %(name)s::text[], %(description)s::text[], %(category_id)s::bigint[],
            %(owner_id)s::bigint[], %(attributes)s::text[], %(active)s::boolean[])
  AS n(id, name, description, category_id, owner_id, attributes, active)
WHERE p.id = n.id
RETURNING p.version;

-- name: touch_product
UPDATE products SET version = version + 1, updated_at = now() WHERE id = %(id)s RETURNING version;

-- name: known_keys
-- Which of the units, categories and owners that are named are there; owners only where active.
SELECT (SELECT coalesce(jsonb_object_agg(upper(code), jsonb_build_array(code, decimals)), '{}') FROM units
        WHERE upper(code) = ANY(%(units)s::text[])) AS units,
       ARRAY(SELECT id FROM categories WHERE id = ANY(%(categories)s::bigint[])) AS categories,
       ARRAY(SELECT id FROM owners WHERE id = ANY(%(owners)s::bigint[]) AND active) AS owners;

-- name: holders_of_barcodes
SELECT upper(b.code) AS code, b.variant_id, v.sku
FROM unnest(%(codes)s::text[]) AS asked(code)
JOIN barcodes b ON upper(b.code) = upper(asked.code)
JOIN product_variants v ON v.id = b.variant_id;

-- name: delete_variants
DELETE FROM product_variants WHERE id = ANY(%(ids)s::bigint[]) RETURNING product_id;

-- name: delete_empty_products
DELETE FROM products p WHERE p.id = ANY(%(ids)s::bigint[])
  AND NOT EXISTS (SELECT FROM product_variants v WHERE v.product_id = p.id) RETURNING p.id;

-- name: refresh_products
-- After some of their variants went.
UPDATE products p SET version = version + 1, updated_at = now(),
  first_sku = (SELECT v.sku FROM product_variants v WHERE v.product_id = p.id ORDER BY upper(v.sku) LIMIT 1)
WHERE p.id = ANY(%(ids)s::bigint[]);

-- name: lock_categories
-- Changes of the tree wait for each other, so that no two moves make a cycle together; readers do not wait.
LOCK TABLE categories IN SHARE ROW EXCLUSIVE MODE;

-- name: move_category
UPDATE categories c
SET path = %(above)s::bigint[] || c.path[array_position(c.path, %(id)s::bigint):],
    parent_id = CASE WHEN c.id = %(id)s THEN %(parent_id)s::bigint ELSE c.parent_id END
WHERE c.path @> ARRAY[%(id)s::bigint];

-- name: category_load
SELECT (SELECT count(*) FROM categories c WHERE c.parent_id = %(id)s) AS children,
       (SELECT count(*) FROM products p WHERE p.category_id = %(id)s) AS products;

-- name: lock_unit
-- FOR UPDATE, as an item that begins to use the unit holds FOR KEY SHARE on it.
SELECT code, name, decimals, base_code, factor_num::text AS factor_num, factor_den::text AS factor_den, version
FROM units WHERE upper(code) = upper(%(code)s) FOR UPDATE;

-- name: unit_load
SELECT (SELECT count(*) FROM product_variants v WHERE v.unit = %(code)s) AS variants,
       (SELECT count(*) FROM units u WHERE u.base_code = %(code)s) AS units;

-- name: categories_by_name
-- `place` numbers the question from 1; of two of one name the older answers.
SELECT asked.place::int AS place, min(c.id) AS id
FROM unnest(%(parents)s::bigint[], %(names)s::text[]) WITH ORDINALITY AS asked(parent_id, name, place)
JOIN categories c ON c.parent_id IS NOT DISTINCT FROM asked.parent_id AND upper(c.name) = upper(asked.name)
GROUP BY asked.place;

-- name: insert_categories
INSERT INTO categories (parent_id, code, name)
SELECT n.parent_id, n.code, n.name FROM unnest(%(parents)s::bigint[], %(codes)s::text[], %(names)s::text[])
  AS n(parent_id, code, name)
ON CONFLICT DO NOTHING
RETURNING id;

-- name: delete_empty_categories
DELETE FROM categories c WHERE c.id = ANY(%(ids)s::bigint[])
  AND NOT EXISTS (SELECT FROM products p WHERE p.category_id = c.id)
  AND NOT EXISTS (SELECT FROM categories below WHERE below.parent_id = c.id)
RETURNING c.id;

-- name: owners_by_code
SELECT upper(code) AS code, id FROM owners WHERE upper(code) = ANY(%(codes)s::text[]);

-- name: attributes_by_sku
SELECT upper(v.sku) AS sku, v.attributes FROM product_variants v
WHERE upper(v.sku) = ANY(%(skus)s::text[]);

-- name: newest_barcode
SELECT coalesce(max(id), 0) FROM barcodes;

-- name: variants_after_import
-- Version of each, and the barcodes it got since `mark`.
SELECT v.id, v.version, ARRAY(SELECT b.id FROM barcodes b WHERE b.variant_id = v.id AND b.id > %(mark)s) AS barcodes
FROM product_variants v WHERE v.id = ANY(%(ids)s::bigint[]);

-- name: changed_since
-- SKUs of variants that are no more at the version they should have, or gone.
SELECT coalesce(v.sku, '#' || asked.id) FROM unnest(%(ids)s::bigint[], %(versions)s::int[]) AS asked(id, version)
LEFT JOIN product_variants v ON v.id = asked.id
WHERE v.version IS DISTINCT FROM asked.version ORDER BY 1;

-- name: delete_barcodes
DELETE FROM barcodes WHERE id = ANY(%(ids)s::bigint[]);

-- name: skus_of
SELECT sku FROM product_variants WHERE id = ANY(%(ids)s::bigint[]) ORDER BY upper(sku);

-- name: export_items
-- Product by product, that of the first SKU first, kits after what they are made of; a category by its path of names. A product of one variant needs no key.
SELECT v.sku, v.name,
       CASE WHEN count(*) OVER product > 1 THEN p.first_sku END AS product,
       CASE WHEN count(*) OVER product > 1 OR p.name <> v.name THEN p.name END AS product_name,
       p.attributes AS product_attributes, p.active AS product_active, p.description,
       (SELECT string_agg(c.name, '/' ORDER BY array_position(own.path, c.id))
        FROM categories own JOIN categories c ON c.id = ANY(own.path) WHERE own.id = p.category_id) AS category,
       v.unit, v.tracking, o.code AS owner, v.cost_price, v.selling_price, v.weight_kg, v.length_mm, v.width_mm,
       v.height_mm, v.attributes, v.active,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('code', b.code, 'kind', b.kind, 'level', b.level,
                                                     'units', trim_scale(b.units)::text) ORDER BY b.id), '[]')
        FROM barcodes b WHERE b.variant_id = v.id) AS barcodes, k.components
FROM product_variants v
JOIN products p ON p.id = v.product_id
JOIN owners o ON o.id = p.owner_id
LEFT JOIN (
  SELECT c.kit_id, jsonb_agg(jsonb_build_object('sku', i.sku, 'quantity', c.quantity::text) ORDER BY upper(i.sku)) AS components
  FROM kit_components c JOIN product_variants i ON i.id = c.component_id GROUP BY 1
) k ON k.kit_id = v.id
WINDOW product AS (PARTITION BY v.product_id)
ORDER BY k.kit_id IS NOT NULL, upper(p.first_sku), p.id, upper(v.sku);

-- name: one_unit
SELECT code, name, decimals, base_code, factor_num::text AS factor_num, factor_den::text AS factor_den, version
FROM units WHERE upper(code) = upper(%(code)s);

-- name: all_units
SELECT code, name, decimals, base_code, factor_num::text AS factor_num, factor_den::text AS factor_den, version
FROM units ORDER BY coalesce(base_code, code), base_code IS NOT NULL, code;

-- name: insert_unit
INSERT INTO units (code, name, decimals, base_code, factor_num, factor_den)
VALUES (%(code)s, %(name)s, %(decimals)s, %(base_code)s, %(factor_num)s, %(factor_den)s);

-- name: update_unit
UPDATE units SET name = %(name)s, decimals = %(decimals)s, base_code = %(base_code)s, factor_num = %(factor_num)s,
                 factor_den = %(factor_den)s, version = %(version)s
WHERE code = %(code)s;

-- name: delete_unit
DELETE FROM units WHERE code = %(code)s;

-- name: delete_barcode
DELETE FROM barcodes WHERE id = %(id)s AND variant_id = %(variant_id)s
RETURNING id, code, kind, level, trim_scale(units) AS units;

-- name: insert_image
-- The same picture of the same product again is the one that is there.
INSERT INTO product_images (product_id, sha256, media_type, size_bytes, position)
SELECT %(product_id)s, %(sha256)s, %(media_type)s, %(size_bytes)s, coalesce(max(i.position) + 1, 0)
FROM product_images i WHERE i.product_id = %(product_id)s
ON CONFLICT (product_id, sha256) DO NOTHING
RETURNING id;

-- name: images_of_product
SELECT id, sha256, media_type, size_bytes, position FROM product_images
WHERE product_id = %(product_id)s ORDER BY position, id;

-- name: delete_image
DELETE FROM product_images WHERE id = %(id)s AND product_id = %(product_id)s
RETURNING id, sha256, media_type, size_bytes, position;

-- name: hold_image
-- Whoever adds a picture with this content, or removes the content, waits for the other.
SELECT pg_advisory_xact_lock(hashtextextended('image ' || %(sha256)s, 0));

-- name: image_type
SELECT media_type FROM product_images WHERE sha256 = %(sha256)s LIMIT 1;
