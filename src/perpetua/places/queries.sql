-- name: lock_topology
-- Alone: nobody posts stock or makes places meanwhile.
SELECT pg_advisory_xact_lock(7001);

-- name: hold_topology
-- Shared: places stay where they are until the end of the transaction.
SELECT pg_advisory_xact_lock_shared(7001);

-- name: by_codes
SELECT u.asked, l.id, l.code, l.kind, l.site_id, l.path, l.sellable, l.negative_allowed, l.active
FROM unnest(%(codes)s::text[]) AS u (asked)
JOIN locations l ON upper(l.code) = upper(u.asked);

-- name: by_ids
SELECT l.id AS asked, l.id, l.code, l.kind, l.site_id, l.path, l.sellable, l.negative_allowed, l.active
FROM locations l
WHERE l.id = ANY (%(ids)s::bigint[]);

-- name: sites
SELECT l.id AS asked, l.id, l.code, l.kind, l.site_id, l.path, l.sellable, l.negative_allowed, l.active
FROM locations l
WHERE l.parent_id IS NULL AND l.active
ORDER BY upper(l.code);

-- name: within
SELECT l.id FROM locations l
WHERE l.id = ANY (%(ids)s::bigint[]) AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[]);

-- name: transit_of
SELECT l.id AS asked, l.id, l.code, l.kind, l.site_id, l.path, l.sellable, l.negative_allowed, l.active
FROM locations l
WHERE l.kind = 'transit' AND l.site_id = ANY (%(site_ids)s::bigint[]);

-- name: codes_taken
SELECT l.code FROM unnest(%(codes)s::text[]) AS u (asked) JOIN locations l ON upper(l.code) = upper(u.asked)
ORDER BY 1 LIMIT 20;

-- name: new_ids
SELECT nextval('locations_id_seq') FROM generate_series(1, %(count)s);

-- name: insert_locations
INSERT INTO locations (id, parent_id, path, code, name, kind, address, capacity_units, weight_limit_kg, temperature_zone,
  temperature_min_c, temperature_max_c, pick_sequence, sellable, negative_allowed, active) OVERRIDING SYSTEM VALUE
SELECT u.id, u.parent_id, u.path::bigint[], u.code, u.name, u.kind, u.address::jsonb, u.capacity_units, u.weight_limit_kg,
  u.temperature_zone, u.temperature_min_c, u.temperature_max_c, u.pick_sequence, u.sellable, u.negative_allowed, u.active
FROM unnest(%(id)s::bigint[], %(parent_id)s::bigint[], %(path)s::text[], %(code)s::text[], %(name)s::text[],
  %(kind)s::text[], %(address)s::text[], %(capacity_units)s::numeric[], %(weight_limit_kg)s::numeric[],
  %(temperature_zone)s::text[], %(temperature_min_c)s::numeric[], %(temperature_max_c)s::numeric[],
  %(pick_sequence)s::integer[], %(sellable)s::boolean[], %(negative_allowed)s::boolean[],
  %(active)s::boolean[])
  AS u (id, parent_id, path, code, name, kind, address, capacity_units, weight_limit_kg, temperature_zone,
        temperature_min_c, temperature_max_c, pick_sequence, sellable, negative_allowed, active);

-- name: write_locations
-- All that can be written of places, but for where they stand.
UPDATE locations l
SET code = n.code, kind = n.kind, name = n.name, address = n.address, capacity_units = n.capacity_units,
    weight_limit_kg = n.weight_limit_kg, temperature_zone = n.temperature_zone, temperature_min_c = n.temperature_min_c,
    temperature_max_c = n.temperature_max_c, pick_sequence = n.pick_sequence, sellable = n.sellable,
    negative_allowed = n.negative_allowed, active = n.active, version = l.version + 1, updated_at = now()
FROM json_to_recordset(%(rows)s::json)
  AS n(id bigint, code text, kind text, name text, address jsonb, capacity_units numeric, weight_limit_kg numeric,
       temperature_zone text, temperature_min_c numeric, temperature_max_c numeric, pick_sequence int, sellable boolean,
       negative_allowed boolean, active boolean)
WHERE l.id = n.id;

-- name: active_below
SELECT l.id FROM locations l WHERE l.path @> ARRAY[%(id)s::bigint] AND l.id <> %(id)s AND l.active;

-- name: remove_places
DELETE FROM locations WHERE id = ANY (%(ids)s::bigint[]);

-- name: move_subtree
-- The paths of the place and of all below it, in one statement.
UPDATE locations l
SET parent_id = CASE WHEN l.id = m.id THEN t.id ELSE l.parent_id END,
    path = t.path || l.path[cardinality(m.path):],
    version = l.version + 1, updated_at = now()
FROM locations m, locations t
WHERE m.id = %(id)s AND t.id = %(to)s AND l.path @> ARRAY[m.id];

-- name: change_below
-- Flags that go down the tree; null leaves a flag as it is. A transit is never sellable.
UPDATE locations l
SET active = coalesce(%(active)s::boolean, l.active),
    sellable = CASE WHEN l.kind = 'transit' THEN false ELSE coalesce(%(sellable)s::boolean, l.sellable) END,
    negative_allowed = coalesce(%(negative_allowed)s::boolean, l.negative_allowed),
    version = l.version + 1, updated_at = now()
WHERE l.path @> ARRAY[%(id)s::bigint] AND l.id <> %(id)s
  AND (l.active <> coalesce(%(active)s::boolean, l.active)
    OR (l.kind <> 'transit' AND l.sellable <> coalesce(%(sellable)s::boolean, l.sellable))
    OR l.negative_allowed <> coalesce(%(negative_allowed)s::boolean, l.negative_allowed));

-- name: remove_subtree
DELETE FROM locations WHERE path @> ARRAY[%(id)s::bigint];

-- name: standing_in
-- What stands in a place: how many below it (a site's own transit does not count), some codes, the kinds of its children.
SELECT count(*) AS below,
       coalesce((array_agg(l.code ORDER BY upper(l.code)))[:5], '{}') AS examples,
       coalesce(array_agg(DISTINCT l.kind) FILTER (WHERE l.parent_id = %(id)s), '{}') AS kinds
FROM locations l
WHERE l.path @> ARRAY[%(id)s::bigint] AND l.id <> %(id)s AND l.kind <> 'transit';

-- name: steps
SELECT a.id, a.code, a.name, a.kind
FROM locations l CROSS JOIN LATERAL unnest(l.path) WITH ORDINALITY AS p (id, n) JOIN locations a ON a.id = p.id
WHERE l.id = %(id)s AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
ORDER BY p.n;

-- name: count_below
SELECT u.id, count(*) FILTER (WHERE l.parent_id = u.id) AS children, count(*) AS descendants
FROM unnest(%(ids)s::bigint[]) AS u (id) JOIN locations l ON l.path @> ARRAY[u.id] AND l.id <> u.id
GROUP BY 1;
