-- name: templates
SELECT code, version, name, kind, size, body, updated_at FROM label_templates ORDER BY code;

-- name: template
SELECT code, version, name, kind, size, body, updated_at FROM label_templates WHERE code = %(code)s;

-- name: hold_template
-- The row, locked; made where a template that came with the program was never changed.
INSERT INTO label_templates AS t (code, updated_by) VALUES (%(code)s, %(actor_id)s)
ON CONFLICT (code) DO UPDATE SET code = t.code
RETURNING t.code, t.version, t.name, t.kind, t.size, t.body, t.updated_at;

-- name: lock_template
SELECT code, version, name, kind, size, body, updated_at FROM label_templates WHERE code = %(code)s FOR UPDATE;

-- name: make_template
INSERT INTO label_templates (code, name, kind, size, body, updated_by)
VALUES (%(code)s, %(name)s, %(kind)s, %(size)s::jsonb, %(body)s::jsonb, %(actor_id)s)
ON CONFLICT (code) DO NOTHING
RETURNING code, version, name, kind, size, body, updated_at;

-- name: write_template
UPDATE label_templates
SET name = %(name)s, kind = %(kind)s, size = %(size)s::jsonb, body = %(body)s::jsonb, version = version + 1,
    updated_at = now(), updated_by = %(actor_id)s
WHERE code = %(code)s
RETURNING code, version, name, kind, size, body, updated_at;

-- name: remove_template
DELETE FROM label_templates WHERE code = %(code)s;

-- name: count_templates
SELECT count(*) FROM label_templates;

-- name: found_items
-- The SKUs of active items that a filter finds, in their order.
SELECT v.sku
FROM product_variants v
JOIN products p ON p.id = v.product_id AND p.active
LEFT JOIN categories c ON c.id = p.category_id
WHERE v.active
  AND (%(prefix)s::text IS NULL OR starts_with(upper(v.sku), upper(%(prefix)s::text)))
  AND (%(category)s::text IS NULL
       OR c.path @> ARRAY(SELECT k.id FROM categories k WHERE upper(k.code) = upper(%(category)s::text) LIMIT 1)
          AND EXISTS (SELECT FROM categories k WHERE upper(k.code) = upper(%(category)s::text)))
ORDER BY upper(v.sku)
LIMIT %(limit)s;

-- name: items
-- What labels say of items, by the place in the lists of who asked. The barcode is that of the level asked for, a number
-- of the trade before one of our own.
SELECT u.place, v.sku, p.name AS product, v.name AS variant, v.unit, v.selling_price, c.name AS category,
  o.name AS owner, b.code AS barcode, b.kind AS barcode_kind, b.level, b.units,
  t.id AS lot_id, t.number AS lot, t.supplier_lot, t.expires_on, t.best_before_on, t.manufactured_on,
  t.status AS lot_status
FROM unnest(%(skus)s::text[], %(levels)s::text[], %(lots)s::text[]) WITH ORDINALITY AS u (sku, level, lot, place)
JOIN product_variants v ON upper(v.sku) = upper(u.sku)
JOIN products p ON p.id = v.product_id
JOIN owners o ON o.id = p.owner_id
LEFT JOIN categories c ON c.id = p.category_id
LEFT JOIN lots t ON t.variant_id = v.id AND upper(t.number) = upper(u.lot)
LEFT JOIN LATERAL (
  SELECT b.code, b.kind, b.level, b.units FROM barcodes b
  WHERE b.variant_id = v.id AND b.level = coalesce(nullif(u.level, ''), 'each')
  ORDER BY b.kind NOT IN ('ean13', 'ean8', 'upca', 'upce', 'gtin14'), b.id
  LIMIT 1
) b ON true
ORDER BY u.place;

-- name: found_places
-- The codes of active places in a place, in walking order.
SELECT l.code
FROM locations l
JOIN locations w ON upper(w.code) = upper(%(within)s) AND l.path @> ARRAY[w.id]
WHERE l.active AND l.kind <> 'transit' AND (%(kind)s::text IS NULL OR l.kind = %(kind)s)
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
ORDER BY l.pick_sequence NULLS LAST, upper(l.code)
LIMIT %(limit)s;

-- name: places
SELECT u.place, l.code, l.name, l.kind, s.code AS site, up.code AS parent,
  ARRAY(SELECT a.code FROM unnest(l.path) WITH ORDINALITY AS step (id, depth) JOIN locations a USING (id)
        ORDER BY step.depth) AS path
FROM unnest(%(codes)s::text[]) WITH ORDINALITY AS u (code, place)
JOIN locations l ON upper(l.code) = upper(u.code)
JOIN locations s ON s.id = l.site_id
LEFT JOIN locations up ON up.id = l.parent_id
WHERE %(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[]
ORDER BY u.place;

-- name: received
-- What came in with a receipt that the reader may see, line by line.
SELECT l.line_no, l.quantity, l.received_at, s.name AS supplier, c.code AS location, n.po_id,
  v.sku, p.name AS product, v.name AS variant, v.unit, b.code AS barcode, b.kind AS barcode_kind,
  CASE WHEN l.lot_id <> 0 THEN t.number END AS lot, t.expires_on
FROM receipts r
JOIN receipt_lines l ON l.receipt_id = r.id AND l.undone_at IS NULL
JOIN product_variants v ON v.id = l.variant_id
JOIN products p ON p.id = v.product_id
JOIN locations c ON c.id = l.location_id
JOIN lots t ON t.id = l.lot_id
LEFT JOIN suppliers s ON s.id = r.supplier_id
LEFT JOIN po_lines n ON n.id = l.po_line_id
LEFT JOIN LATERAL (
  SELECT b.code, b.kind FROM barcodes b
  WHERE b.variant_id = v.id AND b.level = 'each'
  ORDER BY b.kind NOT IN ('ean13', 'ean8', 'upca', 'upce', 'gtin14'), b.id
  LIMIT 1
) b ON true
WHERE r.id = %(id)s AND site_in_scope(r.site_id, %(scope)s::bigint[])
  AND (%(line_nos)s::integer[] IS NULL OR l.line_no = ANY (%(line_nos)s::integer[]))
ORDER BY l.line_no
LIMIT %(limit)s;

-- name: plates
-- License plates by code or SSCC, where the reader may see them, with what stands on them and on all that is nested there.
WITH RECURSIVE tree AS (
  SELECT u.place, named.id AS root, named.id, 0 AS depth
  FROM unnest(%(codes)s::text[]) WITH ORDINALITY AS u (code, place)
  CROSS JOIN LATERAL (
    SELECT p.id FROM license_plates p WHERE upper(p.code) = upper(u.code) OR p.sscc = u.code ORDER BY p.id LIMIT 1
  ) named
  UNION ALL
  SELECT t.place, t.root, p.id, t.depth + 1
  FROM tree t JOIN license_plates p ON p.parent_id = t.id WHERE t.depth < 32
), goods AS (
  SELECT t.place, v.sku, sum(c.quantity) AS quantity
  FROM tree t JOIN plate_contents c ON c.plate_id = t.id JOIN product_variants v ON v.id = c.variant_id
  GROUP BY t.place, v.sku
)
SELECT t.place, p.code, p.sscc, l.code AS location,
  ARRAY(SELECT g.sku FROM goods g WHERE g.place = t.place ORDER BY g.sku) AS skus,
  ARRAY(SELECT g.quantity FROM goods g WHERE g.place = t.place ORDER BY g.sku) AS quantities
FROM tree t
JOIN license_plates p ON p.id = t.root
JOIN locations l ON l.id = p.location_id
WHERE t.depth = 0 AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
ORDER BY t.place;
