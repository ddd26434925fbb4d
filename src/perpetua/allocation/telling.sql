-- name: lock_rules
SELECT pg_advisory_xact_lock(7015);

-- name: rules_versions
SELECT c.version, c.rules, c.note, c.created_by, p.name AS by, c.created_at
FROM allocation_config c JOIN people p ON p.id = c.created_by
WHERE (%(after)s::bigint IS NULL OR c.version < %(after)s) AND (%(version)s::integer IS NULL OR c.version = %(version)s)
ORDER BY c.version DESC LIMIT %(limit)s;

-- name: set_rules
INSERT INTO allocation_config (rules, note, created_by) VALUES (%(rules)s::jsonb, %(note)s, %(actor_id)s) RETURNING version;

-- name: service_levels
-- Of lines as they came, how many were allocated at once. Lines that were cut off or refused count as not.
SELECT o.channel, o.tier, count(*)::integer AS lines, count(*) FILTER (WHERE g.action = 'allocated')::integer AS at_once,
       round(count(*) FILTER (WHERE g.action = 'allocated')::numeric / count(*), 4) AS share,
       round(sum(g.given) / sum(g.asked), 4) AS units_share
FROM allocation_audit_log g JOIN orders o ON o.id = g.order_id
WHERE g.at >= %(since)s::timestamptz AND g.action IN ('allocated', 'partly_allocated', 'backordered', 'refused')
GROUP BY 1, 2 ORDER BY 1, 2 NULLS LAST;

-- name: decisions
-- Rows of the audit log, the newest first.
SELECT g.id, g.at, g.actor_id, p.name AS actor, g.action, g.order_id, l.line_no, g.reservation_id, i.sku, g.asked, g.given,
       g.config_version, g.facts, g.reason
FROM allocation_audit_log g
JOIN people p ON p.id = g.actor_id JOIN product_variants i ON i.id = g.variant_id
LEFT JOIN order_lines l ON l.id = g.line_id
WHERE (%(after)s::bigint IS NULL OR g.id < %(after)s)
  AND (%(order_id)s::bigint IS NULL OR g.order_id = %(order_id)s)
  AND (%(variant_id)s::bigint IS NULL OR g.variant_id = %(variant_id)s)
  AND (%(action)s::text IS NULL OR g.action = %(action)s)
  AND (%(actor_id)s::bigint IS NULL OR g.actor_id = %(actor_id)s)
  AND (%(since)s::timestamptz IS NULL OR g.at >= %(since)s)
  AND (%(scope)s::bigint[] IS NULL OR CASE WHEN g.order_id IS NOT NULL THEN order_in_scope(g.order_id, %(scope)s)
       ELSE EXISTS (SELECT FROM reservations r WHERE r.id = g.reservation_id AND r.site_id = ANY (%(scope)s)) END)
ORDER BY g.id DESC LIMIT %(limit)s;

-- name: names
-- What people call sites and items.
SELECT 'site' AS what, l.id, l.code AS name FROM locations l WHERE l.id = ANY (%(site_ids)s::bigint[])
UNION ALL SELECT 'item', i.id, i.sku FROM product_variants i WHERE i.id = ANY (%(variant_ids)s::bigint[]);

-- name: stand_before
-- For each line of an order that waits: the lines that wait for the same item and are served first, and their units.
SELECT m.line_no, count(w.id)::integer AS lines, coalesce(sum(w.backordered), 0) AS units
FROM order_lines m
JOIN orders o ON o.id = m.order_id
CROSS JOIN LATERAL (
  SELECT coalesce(min(t.rank), %(worst)s::integer) AS rank
  FROM unnest(%(tiers)s::text[], %(ranks)s::integer[]) AS t (code, rank) WHERE t.code = o.tier
) mt
LEFT JOIN LATERAL (
  SELECT l.id, l.backordered
  FROM order_lines l JOIN orders n ON n.id = l.order_id
  CROSS JOIN LATERAL (
    SELECT coalesce(min(t.rank), %(worst)s::integer) AS rank
    FROM unnest(%(tiers)s::text[], %(ranks)s::integer[]) AS t (code, rank) WHERE t.code = n.tier
  ) nt
  WHERE l.variant_id = m.variant_id AND l.backordered > 0 AND l.id <> m.id
    AND (-n.jumps, nt.rank, n.placed_at, l.id) < (-o.jumps, mt.rank, o.placed_at, m.id)
) w ON true
WHERE m.order_id = %(order_id)s AND m.backordered > 0
GROUP BY 1;

-- name: jumps
SELECT jumps FROM orders WHERE id = %(order_id)s;

-- name: waiting_variants
-- Items that somebody waits for: themselves, or the components of kits.
SELECT DISTINCT coalesce(k.component_id, l.variant_id) AS variant_id
FROM order_lines l LEFT JOIN kit_components k ON k.kit_id = l.variant_id AND l.kit
WHERE l.backordered > 0 ORDER BY 1;

-- name: awaited
-- Those of these items that somebody waits for, themselves or for kits of them.
SELECT v.id FROM unnest(%(variant_ids)s::bigint[]) AS v (id)
WHERE EXISTS (SELECT FROM order_lines l WHERE l.backordered > 0 AND l.variant_id = v.id)
   OR EXISTS (SELECT FROM kit_components k JOIN order_lines l ON l.variant_id = k.kit_id
              WHERE k.component_id = v.id AND l.kit AND l.backordered > 0)
ORDER BY 1;

-- name: to_expect
-- All lines that wait for these items, or for kits of them, in turn; each of a kit's components by itself.
SELECT l.id AS line_id, coalesce(k.component_id, l.variant_id) AS variant_id, l.backordered * coalesce(k.quantity, 1) AS quantity,
       o.site_id, l.expected_on
FROM order_lines l JOIN orders o ON o.id = l.order_id
LEFT JOIN kit_components k ON k.kit_id = l.variant_id AND l.kit
CROSS JOIN LATERAL (
  SELECT coalesce(min(t.rank), %(worst)s::integer) AS rank
  FROM unnest(%(tiers)s::text[], %(ranks)s::integer[]) AS t (code, rank) WHERE t.code = o.tier
) t
WHERE l.backordered > 0
  AND (l.variant_id = ANY (%(variant_ids)s::bigint[]) OR l.variant_id IN (
        SELECT c.kit_id FROM kit_components c WHERE c.component_id = ANY (%(variant_ids)s::bigint[])))
ORDER BY o.jumps DESC, t.rank, o.placed_at, l.id;
