-- What happens to contents happens under the locks of their positions; what happens to plates, under their own rows' locks,
-- which are taken after the positions', in the order of ids.

-- name: settings
SELECT company_prefix, extension, version FROM plate_settings;

-- name: change_settings
UPDATE plate_settings SET company_prefix = %(company_prefix)s, extension = %(extension)s, version = version + 1
WHERE version = %(version)s RETURNING company_prefix, extension, version;

-- name: next_number
SELECT nextval('plate_numbers');

-- name: make
INSERT INTO license_plates (code, sscc, location_id, note, created_by)
VALUES (%(code)s, %(sscc)s, %(location_id)s, %(note)s, %(actor_id)s)
ON CONFLICT DO NOTHING RETURNING id;

-- name: named
SELECT id FROM license_plates WHERE upper(code) = upper(%(code)s) OR sscc = %(code)s ORDER BY id LIMIT 1;

-- name: tree
WITH RECURSIVE tree AS (
  SELECT p.id, p.code, p.location_id, p.parent_id, p.status, p.version, 0 AS depth FROM license_plates p WHERE p.id = %(plate_id)s
  UNION ALL
  SELECT p.id, p.code, p.location_id, p.parent_id, p.status, p.version, t.depth + 1
  FROM tree t JOIN license_plates p ON p.parent_id = t.id WHERE t.depth < 32
)
SELECT * FROM tree ORDER BY depth, id;

-- name: lock_tree
WITH RECURSIVE tree AS (
  SELECT p.id, 0 AS depth FROM license_plates p WHERE p.id = %(plate_id)s
  UNION ALL
  SELECT p.id, t.depth + 1 FROM tree t JOIN license_plates p ON p.parent_id = t.id WHERE t.depth < 32
)
SELECT p.id FROM license_plates p WHERE p.id IN (SELECT t.id FROM tree t) ORDER BY p.id FOR UPDATE;

-- name: lock_plates
SELECT p.id FROM license_plates p WHERE p.id = ANY (%(ids)s::bigint[]) ORDER BY p.id FOR UPDATE;

-- name: above
-- The plates that a plate stands on, the nearest first.
WITH RECURSIVE up AS (
  SELECT p.id, p.parent_id, 0 AS depth FROM license_plates p WHERE p.id = %(plate_id)s
  UNION ALL
  SELECT p.id, p.parent_id, u.depth + 1 FROM up u JOIN license_plates p ON p.id = u.parent_id WHERE u.depth < 32
)
SELECT id FROM up ORDER BY depth;

-- name: one_nests
-- Plates are put on each other one after the other, so that no circle closes behind two of them.
SELECT pg_advisory_xact_lock(7005);

-- name: contents
SELECT plate_id, variant_id, lot_id, serial_id, quantity FROM plate_contents
WHERE plate_id = ANY (%(plate_ids)s::bigint[]) ORDER BY variant_id, lot_id, serial_id, plate_id;

-- name: on_plates
-- What plates at these levels hold together.
SELECT k.variant_id, k.location_id, k.lot_id, coalesce(sum(c.quantity), 0) AS quantity
FROM unnest(%(variant_ids)s::bigint[], %(location_ids)s::bigint[], %(lot_ids)s::bigint[]) AS k (variant_id, location_id, lot_id)
JOIN plate_contents c ON c.variant_id = k.variant_id AND c.lot_id = k.lot_id
JOIN license_plates p ON p.id = c.plate_id AND p.location_id = k.location_id
GROUP BY 1, 2, 3;

-- name: serials_off
-- Of these serials, the first that does not lie at the place, or stands on a plate.
SELECT s.serial, s.status, l.code AS location, p.code AS plate
FROM serialised_stock s
LEFT JOIN locations l ON l.id = s.location_id
LEFT JOIN plate_contents c ON c.serial_id = s.id LEFT JOIN license_plates p ON p.id = c.plate_id
WHERE s.id = ANY (%(serial_ids)s::bigint[])
  AND (s.location_id IS DISTINCT FROM %(location_id)s::bigint OR c.plate_id IS NOT NULL)
ORDER BY s.id LIMIT 1;

-- name: put
INSERT INTO plate_contents AS c (plate_id, variant_id, lot_id, serial_id, quantity)
SELECT %(plate_id)s, u.variant_id, u.lot_id, u.serial_id, u.quantity
FROM unnest(%(variant_ids)s::bigint[], %(lot_ids)s::bigint[], %(serial_ids)s::bigint[], %(quantities)s::numeric[])
     AS u (variant_id, lot_id, serial_id, quantity)
ON CONFLICT (plate_id, variant_id, lot_id, serial_id) DO UPDATE SET quantity = c.quantity + excluded.quantity;

-- name: take
-- What is left of it stays; nothing left goes.
WITH u AS (
  SELECT * FROM unnest(%(plate_ids)s::bigint[], %(variant_ids)s::bigint[], %(lot_ids)s::bigint[], %(serial_ids)s::bigint[],
                       %(quantities)s::numeric[]) AS u (plate_id, variant_id, lot_id, serial_id, quantity)
), gone AS (
  DELETE FROM plate_contents c USING u
  WHERE (c.plate_id, c.variant_id, c.lot_id, c.serial_id) = (u.plate_id, u.variant_id, u.lot_id, u.serial_id)
    AND c.quantity <= u.quantity
)
UPDATE plate_contents c SET quantity = c.quantity - u.quantity FROM u
WHERE (c.plate_id, c.variant_id, c.lot_id, c.serial_id) = (u.plate_id, u.variant_id, u.lot_id, u.serial_id)
  AND c.quantity > u.quantity;

-- name: relocate
UPDATE license_plates SET location_id = %(location_id)s, version = version + 1, updated_at = statement_timestamp()
WHERE id = ANY (%(ids)s::bigint[]);

-- name: set_parent
UPDATE license_plates SET parent_id = %(parent_id)s, version = version + 1, updated_at = statement_timestamp()
WHERE id = ANY (%(ids)s::bigint[]);

-- name: set_status
UPDATE license_plates SET status = %(status)s, version = version + 1, updated_at = statement_timestamp(),
                          parent_id = CASE WHEN %(status)s = 'dissolved' THEN NULL ELSE parent_id END
WHERE id = ANY (%(ids)s::bigint[]);

-- name: tell
INSERT INTO plate_events (plate_id, actor_id, action, facts)
SELECT u.id, %(actor_id)s, %(action)s, u.facts FROM unnest(%(ids)s::bigint[], %(facts)s::jsonb[]) AS u (id, facts);

-- Goods that left without their plate ----------------------------------------------------------------------------------

-- name: too_much
-- What plates must give up, after rows took goods: serials that are elsewhere; and at levels where they hold more than
-- there is, what is too much, of the plate with the least first.
WITH fallen AS (
  SELECT DISTINCT k.variant_id, k.location_id, k.lot_id
  FROM unnest(%(variant_ids)s::bigint[], %(location_ids)s::bigint[], %(lot_ids)s::bigint[]) AS k (variant_id, location_id, lot_id)
), away AS (
  SELECT c.plate_id, c.variant_id, c.lot_id, c.serial_id, c.quantity
  FROM fallen f
  JOIN plate_contents c ON c.variant_id = f.variant_id AND c.lot_id = f.lot_id AND c.serial_id <> 0
  JOIN license_plates p ON p.id = c.plate_id AND p.location_id = f.location_id
  JOIN serialised_stock s ON s.id = c.serial_id
  WHERE s.location_id IS DISTINCT FROM p.location_id
), held AS (
  SELECT c.plate_id, c.variant_id, f.location_id, c.lot_id, c.serial_id, c.quantity,
         sum(c.quantity) OVER (PARTITION BY c.variant_id, f.location_id, c.lot_id) AS total,
         sum(c.quantity) OVER (PARTITION BY c.variant_id, f.location_id, c.lot_id ORDER BY c.quantity, c.plate_id, c.serial_id) AS upto
  FROM fallen f
  JOIN plate_contents c ON c.variant_id = f.variant_id AND c.lot_id = f.lot_id
  JOIN license_plates p ON p.id = c.plate_id AND p.location_id = f.location_id
  WHERE NOT EXISTS (SELECT FROM away a WHERE a.plate_id = c.plate_id AND a.serial_id = c.serial_id AND a.serial_id <> 0)
), over AS (
  SELECT h.plate_id, h.variant_id, h.lot_id, h.serial_id,
         least(h.quantity, h.total - greatest(coalesce(v.on_hand, 0), 0) - (h.upto - h.quantity)) AS quantity
  FROM held h
  LEFT JOIN inventory_levels v ON v.variant_id = h.variant_id AND v.location_id = h.location_id AND v.lot_id = h.lot_id
)
SELECT x.plate_id, x.variant_id, x.lot_id, x.serial_id, x.quantity
FROM (SELECT * FROM away UNION ALL SELECT o.* FROM over o WHERE o.quantity > 0) x
ORDER BY x.plate_id, x.variant_id, x.lot_id, x.serial_id;

-- name: left_whole
-- Closed plates of these on which nothing is left, nor any plate that has not left: their goods were sold with them.
SELECT p.id, p.parent_id FROM license_plates p
WHERE p.id = ANY (%(ids)s::bigint[]) AND p.status = 'closed'
  AND NOT EXISTS (SELECT FROM plate_contents c WHERE c.plate_id = p.id)
  AND NOT EXISTS (SELECT FROM license_plates n WHERE n.parent_id = p.id AND n.status IN ('open', 'closed'))
ORDER BY p.id;

-- Reading -------------------------------------------------------------------------------------------------------------

-- part: plate_rows
SELECT p.id, p.code, p.sscc, p.location_id, l.code AS location, p.parent_id, u.code AS parent, p.status, p.note, p.created_by,
       p.created_at, p.updated_at, p.version,
       (SELECT count(*)::integer FROM plate_contents c WHERE c.plate_id = p.id) AS contents,
       (SELECT count(*)::integer FROM license_plates n WHERE n.parent_id = p.id) AS children
FROM license_plates p
JOIN locations l ON l.id = p.location_id
LEFT JOIN license_plates u ON u.id = p.parent_id

-- name: plates
-- with: plate_rows
WHERE (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
  AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
  AND (%(status)s::text IS NULL OR p.status = %(status)s)
  AND (%(code)s::text IS NULL OR starts_with(upper(p.code), upper(%(code)s)) OR starts_with(p.sscc, %(code)s))
  AND (%(variant_ids)s::bigint[] IS NULL OR EXISTS (
        SELECT FROM plate_contents c WHERE c.plate_id = p.id AND c.variant_id = ANY (%(variant_ids)s::bigint[])))
  AND (%(after)s::bigint IS NULL OR p.id < %(after)s)
ORDER BY p.id DESC LIMIT %(limit)s;

-- name: plates_by_id
-- with: plate_rows
WHERE p.id = ANY (%(ids)s::bigint[]) AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
ORDER BY array_position(%(ids)s::bigint[], p.id);

-- name: goods
SELECT c.plate_id, c.variant_id, i.sku, i.name, i.unit, nullif(c.lot_id, 0) AS lot_id, nullif(b.number, '') AS lot,
       nullif(c.serial_id, 0) AS serial_id, s.serial, c.quantity
FROM plate_contents c
JOIN product_variants i ON i.id = c.variant_id
JOIN lots b ON b.id = c.lot_id
LEFT JOIN serialised_stock s ON s.id = nullif(c.serial_id, 0)
WHERE c.plate_id = ANY (%(ids)s::bigint[])
ORDER BY array_position(%(ids)s::bigint[], c.plate_id), i.sku, b.number, s.serial;

-- name: events
SELECT e.id, e.at, e.actor_id, p.name AS actor, e.action, e.facts
FROM plate_events e JOIN people p ON p.id = e.actor_id
WHERE e.plate_id = %(plate_id)s AND (%(after)s::bigint IS NULL OR e.id < %(after)s)
ORDER BY e.id DESC LIMIT %(limit)s;

-- Checking ------------------------------------------------------------------------------------------------------------

-- name: check_contents
SELECT c.variant_id, p.location_id, c.lot_id, sum(c.quantity) AS on_plates, coalesce(max(v.on_hand), 0) AS on_hand
FROM plate_contents c JOIN license_plates p ON p.id = c.plate_id
LEFT JOIN inventory_levels v ON v.variant_id = c.variant_id AND v.location_id = p.location_id AND v.lot_id = c.lot_id
GROUP BY 1, 2, 3 HAVING sum(c.quantity) > coalesce(max(v.on_hand), 0) LIMIT 100;

-- name: check_serials
SELECT p.id AS plate_id, p.location_id, c.serial_id, s.location_id AS serial_at
FROM plate_contents c JOIN license_plates p ON p.id = c.plate_id LEFT JOIN serialised_stock s ON s.id = c.serial_id
WHERE c.serial_id <> 0 AND s.location_id IS DISTINCT FROM p.location_id LIMIT 100;

-- name: check_nested
SELECT n.id AS plate_id, n.location_id, p.id AS parent_id, p.location_id AS parent_at
FROM license_plates n JOIN license_plates p ON p.id = n.parent_id
WHERE n.status <> 'shipped' AND n.location_id <> p.location_id LIMIT 100;
