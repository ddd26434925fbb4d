-- name: short_lots
-- Lots of which more is promised, at positions, than may be sent of them: of what has expired or is blocked, nothing may.
-- Places are named by their ids, sites among them. Read under the positions' locks.
SELECT x.variant_id, x.site_id, x.lot_id, i.sku, s.code AS site, t.number AS lot, x.promised, y.there,
       CASE WHEN t.blocked THEN 'is blocked' WHEN t.expires_on < %(today)s::date THEN 'has expired' ELSE 'has less' END AS why
FROM (
  SELECT p.variant_id, p.site_id, p.lot_id, sum(p.quantity) AS promised
  FROM (
    SELECT a.variant_id, a.site_id, a.lot_id, a.quantity FROM order_allocations a
    WHERE a.variant_id = ANY (%(variant_ids)s::bigint[]) AND a.state = 'open' AND a.lot_id <> 0
      AND a.site_id IN (SELECT l.site_id FROM locations l WHERE l.id = ANY (%(location_ids)s::bigint[]))
    UNION ALL
    SELECT r.variant_id, r.site_id, r.lot_id, r.quantity FROM reservations r
    WHERE r.variant_id = ANY (%(variant_ids)s::bigint[]) AND r.state = 'open' AND r.lot_id <> 0
      AND r.site_id IN (SELECT l.site_id FROM locations l WHERE l.id = ANY (%(location_ids)s::bigint[]))
  ) p GROUP BY 1, 2, 3
) x
JOIN lots t ON t.id = x.lot_id JOIN product_variants i ON i.id = x.variant_id JOIN locations s ON s.id = x.site_id
CROSS JOIN LATERAL (
  SELECT CASE WHEN t.blocked OR t.expires_on < %(today)s::date THEN 0 ELSE coalesce(sum(v.on_hand), 0) END AS there
  FROM inventory_levels v JOIN locations l ON l.id = v.location_id
  WHERE v.variant_id = x.variant_id AND v.lot_id = x.lot_id AND l.site_id = x.site_id AND l.sellable AND l.kind <> 'transit'
    AND v.on_hand > 0
) y
WHERE x.promised > y.there ORDER BY 1, 2, 3;

-- name: usable_lots
-- Lots at positions that may be sent, first expired first, with all that lies of them where it may be sold from.
SELECT v.variant_id, l.site_id, v.lot_id, t.expires_on, t.number, sum(v.on_hand) AS there
FROM unnest(%(variant_ids)s::bigint[], %(site_ids)s::bigint[]) AS k (variant_id, site_id)
JOIN inventory_levels v ON v.variant_id = k.variant_id
JOIN locations l ON l.id = v.location_id AND l.site_id = k.site_id AND l.sellable AND l.kind <> 'transit'
JOIN lots t ON t.id = v.lot_id
WHERE v.lot_id <> 0 AND v.on_hand > 0 AND NOT t.blocked AND (t.expires_on IS NULL OR t.expires_on >= %(today)s::date)
GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, t.expires_on NULLS LAST, v.lot_id;

-- name: reserved_lots
-- Open reservations of lots at positions, the oldest first.
SELECT r.id, r.variant_id, r.site_id, r.lot_id, r.quantity, r.channel, r.holder
FROM unnest(%(variant_ids)s::bigint[], %(site_ids)s::bigint[]) AS k (variant_id, site_id)
JOIN reservations r ON r.variant_id = k.variant_id AND r.site_id = k.site_id AND r.state = 'open' AND r.lot_id <> 0
ORDER BY r.id;

-- name: relot_reservations
-- They hold so much of these lots, or end.
UPDATE reservations r
SET lot_id = n.lot_id, quantity = n.quantity, state = CASE WHEN n.ends THEN 'released' ELSE r.state END,
    ended_at = CASE WHEN n.ends THEN statement_timestamp() END
FROM unnest(%(ids)s::bigint[], %(lot_ids)s::bigint[], %(quantities)s::numeric[], %(ends)s::boolean[])
     AS n (id, lot_id, quantity, ends)
WHERE r.id = n.id AND r.state = 'open';

-- name: split_reservations
-- What they hold of further lots, beside them.
WITH made AS (
  INSERT INTO reservations (kind, channel, holder, variant_id, site_id, lot_id, quantity, expires_at, created_by)
  SELECT r.kind, r.channel, r.holder, r.variant_id, r.site_id, n.lot_id, n.quantity, r.expires_at, r.created_by
  FROM unnest(%(ids)s::bigint[], %(lot_ids)s::bigint[], %(quantities)s::numeric[]) AS n (id, lot_id, quantity)
  JOIN reservations r ON r.id = n.id
  RETURNING id, channel, holder, variant_id, site_id, quantity
)
INSERT INTO allocation_audit_log (actor_id, action, reservation_id, variant_id, asked, given, config_version, facts, reason)
SELECT %(actor_id)s, 'reserved', m.id, m.variant_id, m.quantity, m.quantity, %(config_version)s,
       jsonb_build_object('site_id', m.site_id, 'holder', m.holder, 'channel', m.channel), 'part of it moved to another lot'
FROM made m;

-- name: tell_reservations
INSERT INTO allocation_audit_log (actor_id, action, reservation_id, variant_id, asked, given, config_version, facts, reason)
SELECT %(actor_id)s, n.action, n.id, n.variant_id, n.quantity, n.given, %(config_version)s, n.facts, n.reason
FROM unnest(%(actions)s::text[], %(ids)s::bigint[], %(variant_ids)s::bigint[], %(quantities)s::numeric[],
            %(givens)s::numeric[], %(facts)s::jsonb[], %(reasons)s::text[])
     AS n (action, id, variant_id, quantity, given, facts, reason);

-- name: positions_of_lots
-- Where something of these lots' items may be promised: all sites that sell, and all that have some.
SELECT DISTINCT t.variant_id, x.site_id
FROM lots t CROSS JOIN LATERAL (
  SELECT p.site_id FROM inventory_positions p WHERE p.variant_id = t.variant_id
  UNION SELECT s.id FROM locations s WHERE s.parent_id IS NULL AND s.active AND s.sellable
) x
WHERE t.id = ANY (%(lot_ids)s::bigint[]) AND t.id <> 0 ORDER BY 1, 2;

-- name: due_lots
-- Positions where something is promised of lots that have expired, or are blocked.
SELECT a.variant_id, a.site_id FROM order_allocations a JOIN lots t ON t.id = a.lot_id
WHERE a.state = 'open' AND a.lot_id <> 0 AND (t.blocked OR t.expires_on < %(today)s::date)
UNION
SELECT r.variant_id, r.site_id FROM reservations r JOIN lots t ON t.id = r.lot_id
WHERE r.state = 'open' AND r.lot_id <> 0 AND (t.blocked OR t.expires_on < %(today)s::date)
ORDER BY 1, 2;

-- name: lying_in
-- Where something lies, in a place or what stands in it, that somebody waits for (themselves or for a kit), or that lots
-- are promised of.
SELECT DISTINCT v.variant_id, l.site_id
FROM locations l JOIN inventory_levels v ON v.location_id = l.id AND v.on_hand > 0
WHERE l.path @> ARRAY[%(location_id)s::bigint] AND l.kind <> 'transit' AND (
  EXISTS (SELECT FROM order_lines w WHERE w.variant_id = v.variant_id
          AND w.quantity > w.allocated + w.shipped + w.cancelled + w.refused)
  OR EXISTS (SELECT FROM kit_components k JOIN order_lines w ON w.variant_id = k.kit_id
             AND w.quantity > w.allocated + w.shipped + w.cancelled + w.refused WHERE k.component_id = v.variant_id)
  OR EXISTS (SELECT FROM order_allocations a WHERE a.variant_id = v.variant_id AND a.site_id = l.site_id
             AND a.lot_id = v.lot_id AND a.state = 'open' AND v.lot_id <> 0)
  OR EXISTS (SELECT FROM reservations r WHERE r.variant_id = v.variant_id AND r.site_id = l.site_id
             AND r.lot_id = v.lot_id AND r.state = 'open' AND v.lot_id <> 0))
ORDER BY 1, 2;
