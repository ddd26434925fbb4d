-- name: ground
-- What every decision stands on: the newest rules, and the sites that goods can be sent from.
SELECT c.version, c.rules,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                 'id', l.id, 'code', l.code, 'country', l.address ->> 'country', 'region', l.address ->> 'region',
                 'postcode', l.address ->> 'postcode') ORDER BY l.code), '[]')
        FROM locations l WHERE l.parent_id IS NULL AND l.active AND l.sellable) AS sites
FROM allocation_config c ORDER BY c.version DESC LIMIT 1;

-- name: kit_parts
SELECT k.kit_id, k.component_id, k.quantity, i.tracking FROM kit_components k JOIN product_variants i ON i.id = k.component_id
WHERE k.kit_id = ANY (%(ids)s::bigint[]) ORDER BY k.kit_id, k.component_id;

-- name: lock_positions
SELECT variant_id, site_id, on_hand, unsellable, allocated, reserved
FROM allocation_lock(%(variant_ids)s::bigint[], %(site_ids)s::bigint[]);

-- name: lots
-- Lots that may be promised, first expired first, and what is free of each. Read under lock_positions.
SELECT x.variant_id, x.site_id, x.lot_id, t.expires_on, x.on_hand - coalesce(a.quantity, 0) - coalesce(r.quantity, 0) AS free
FROM (
  SELECT v.variant_id, l.site_id, v.lot_id, sum(v.on_hand) AS on_hand
  FROM inventory_levels v JOIN locations l ON l.id = v.location_id
  WHERE v.variant_id = ANY (%(variant_ids)s::bigint[]) AND l.site_id = ANY (%(site_ids)s::bigint[])
    AND l.sellable AND l.kind <> 'transit' AND v.on_hand > 0
  GROUP BY 1, 2, 3
) x
JOIN lots t ON t.id = x.lot_id
LEFT JOIN LATERAL (
  SELECT sum(a.quantity) AS quantity FROM order_allocations a
  WHERE a.variant_id = x.variant_id AND a.site_id = x.site_id AND a.state = 'open' AND a.lot_id = x.lot_id
) a ON true
LEFT JOIN LATERAL (
  SELECT sum(r.quantity) AS quantity FROM reservations r
  WHERE r.variant_id = x.variant_id AND r.site_id = x.site_id AND r.state = 'open' AND r.lot_id = x.lot_id
    AND r.expires_at > clock_timestamp()
) r ON true
WHERE NOT t.blocked AND (t.expires_on IS NULL OR t.expires_on >= %(today)s::date)
ORDER BY x.variant_id, x.site_id, t.expires_on NULLS LAST, x.lot_id;

-- name: by_channel
-- Open allocations of channels that have a share, by position.
SELECT a.variant_id, a.site_id, o.channel, sum(a.quantity) AS quantity
FROM order_allocations a JOIN order_lines l ON l.id = a.line_id JOIN orders o ON o.id = l.order_id
WHERE a.variant_id = ANY (%(variant_ids)s::bigint[]) AND a.site_id = ANY (%(site_ids)s::bigint[]) AND a.state = 'open'
  AND o.channel = ANY (%(channels)s::text[])
GROUP BY 1, 2, 3;

-- name: sites_of_orders
-- Where the open allocations of orders lie, line by line.
SELECT l.order_id, l.line_no, l.kit, a.variant_id, s.code AS site, sum(a.quantity) AS quantity
FROM order_lines l JOIN order_allocations a ON a.line_id = l.id AND a.state = 'open' JOIN locations s ON s.id = a.site_id
WHERE l.order_id = ANY (%(ids)s::bigint[]) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 5;

-- name: record
-- Allocations and why, in one statement; a trigger adds the allocations to the positions.
WITH made AS (
  INSERT INTO order_allocations (line_id, variant_id, site_id, lot_id, quantity)
  SELECT t.line_id, t.variant_id, t.site_id, t.lot_id, t.quantity
  FROM unnest(%(take_line_ids)s::bigint[], %(take_variant_ids)s::bigint[], %(take_site_ids)s::bigint[],
              %(take_lot_ids)s::bigint[], %(take_quantities)s::numeric[]) AS t (line_id, variant_id, site_id, lot_id, quantity)
)
INSERT INTO allocation_audit_log (actor_id, action, order_id, line_id, variant_id, asked, given, config_version, facts, reason)
SELECT d.actor_id, d.action, d.order_id, d.line_id, d.variant_id, d.asked, d.given, %(config_version)s, d.facts, d.reason
FROM unnest(%(actor_ids)s::bigint[], %(actions)s::text[], %(order_ids)s::bigint[], %(line_ids)s::bigint[],
            %(variant_ids)s::bigint[], %(asked)s::numeric[], %(given)s::numeric[], %(facts)s::jsonb[], %(reasons)s::text[])
     AS d (actor_id, action, order_id, line_id, variant_id, asked, given, facts, reason);
