-- name: lock_kits
-- One change of kits at a time: what is read of other kits stays so.
SELECT pg_advisory_xact_lock(7014);

-- name: kits_among
-- Which of these are kits, and which are a component of one (named by one of its kits).
SELECT v.id, EXISTS (SELECT FROM kit_components k WHERE k.kit_id = v.id) AS kit,
       (SELECT i.sku FROM kit_components k JOIN product_variants i ON i.id = k.kit_id WHERE k.component_id = v.id LIMIT 1) AS part_of
FROM product_variants v WHERE v.id = ANY (%(ids)s::bigint[]);

-- name: components_of
SELECT kit_id, component_id, quantity FROM kit_components WHERE kit_id = ANY (%(ids)s::bigint[]) ORDER BY kit_id, component_id;

-- name: clear_components
DELETE FROM kit_components WHERE kit_id = %(kit_id)s;

-- name: set_components
INSERT INTO kit_components (kit_id, component_id, quantity)
SELECT %(kit_id)s, c.id, c.quantity FROM unnest(%(ids)s::bigint[], %(quantities)s::numeric[]) AS c (id, quantity);

-- name: touch_variant
UPDATE product_variants SET version = version + 1, updated_at = now() WHERE id = %(id)s;
