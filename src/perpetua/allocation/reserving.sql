-- name: reserve
-- Reservations with why, in one statement; a trigger adds them to the positions, whose locks the caller holds.
WITH made AS (
  INSERT INTO reservations (kind, channel, holder, variant_id, site_id, lot_id, quantity, expires_at, created_by)
  SELECT %(kind)s, %(channel)s, %(holder)s, t.variant_id, t.site_id, t.lot_id, t.quantity, %(expires_at)s, %(actor_id)s
  FROM unnest(%(variant_ids)s::bigint[], %(site_ids)s::bigint[], %(lot_ids)s::bigint[], %(quantities)s::numeric[])
       AS t (variant_id, site_id, lot_id, quantity)
  RETURNING id, variant_id, site_id, lot_id, quantity
), told AS (
  INSERT INTO allocation_audit_log (actor_id, action, reservation_id, variant_id, asked, given, config_version, facts)
  SELECT %(actor_id)s, 'reserved', m.id, m.variant_id, m.quantity, m.quantity, %(config_version)s, t.facts
  FROM made m
  JOIN unnest(%(variant_ids)s::bigint[], %(site_ids)s::bigint[], %(lot_ids)s::bigint[], %(facts)s::jsonb[])
       AS t (variant_id, site_id, lot_id, facts) USING (variant_id, site_id, lot_id)
)
SELECT id FROM made ORDER BY id;

-- name: held_by
-- What holders have open, each named by channel and holder; for whoever locks it next.
SELECT r.id, r.channel, r.holder, r.variant_id, r.site_id, r.lot_id, r.quantity
FROM unnest(%(channels)s::text[], %(holders)s::text[]) AS k (channel, holder)
JOIN reservations r ON r.channel = k.channel AND r.holder = k.holder AND r.state = 'open'
ORDER BY r.id;

-- name: end_reservations
-- These end, as far as they are open still; a trigger takes them from the positions, whose locks the caller holds.
WITH ended AS (
  UPDATE reservations r SET state = %(state)s, ended_at = clock_timestamp()
  FROM unnest(%(ids)s::bigint[], %(actor_ids)s::bigint[]) AS n (id, actor_id)
  WHERE r.id = n.id AND r.state = 'open'
  RETURNING r.id, r.channel, r.holder, r.variant_id, r.site_id, r.lot_id, r.quantity, n.actor_id
), told AS (
  INSERT INTO allocation_audit_log (actor_id, action, reservation_id, variant_id, asked, given, config_version, facts, reason)
  SELECT e.actor_id, 'reservation_ended', e.id, e.variant_id, e.quantity, 0, %(config_version)s,
         jsonb_build_object('site_id', e.site_id, 'holder', e.holder, 'channel', e.channel, 'state', %(state)s::text),
         %(reason)s
  FROM ended e
)
SELECT id, channel, holder, variant_id, site_id, lot_id, quantity FROM ended ORDER BY id;

-- name: extend
UPDATE reservations SET expires_at = %(expires_at)s
WHERE id = ANY (%(ids)s::bigint[]) AND state = 'open' AND expires_at > clock_timestamp();

-- name: due
-- Positions where reservations have expired: still open, or ended a short while ago by whoever decided something there.
SELECT DISTINCT r.variant_id, r.site_id FROM reservations r
WHERE (r.state = 'open' AND r.expires_at <= clock_timestamp())
   OR (r.state = 'expired' AND r.ended_at > clock_timestamp() - interval '10 minutes')
ORDER BY 1, 2;

-- name: reservations
SELECT r.id, r.kind, r.channel, r.holder, i.sku, r.variant_id, s.code AS site, t.number AS lot, r.quantity,
       CASE WHEN r.state = 'open' AND r.expires_at <= clock_timestamp() THEN 'expired' ELSE r.state END AS state,
       r.expires_at, r.created_at, r.ended_at
FROM reservations r JOIN product_variants i ON i.id = r.variant_id JOIN locations s ON s.id = r.site_id
LEFT JOIN lots t ON t.id = r.lot_id AND r.lot_id <> 0
WHERE (%(after)s::bigint IS NULL OR r.id < %(after)s)
  AND (%(ids)s::bigint[] IS NULL OR r.id = ANY (%(ids)s))
  AND (%(channel)s::text IS NULL OR r.channel = %(channel)s)
  AND (%(holder)s::text IS NULL OR r.holder = %(holder)s)
  AND (%(kind)s::text IS NULL OR r.kind = %(kind)s)
  AND (%(sku)s::text IS NULL OR upper(i.sku) = upper(%(sku)s))
  AND (NOT %(live)s::boolean OR (r.state = 'open' AND r.expires_at > clock_timestamp()))
  AND (%(scope)s::bigint[] IS NULL OR s.path && %(scope)s::bigint[])
ORDER BY r.id DESC LIMIT %(limit)s;
