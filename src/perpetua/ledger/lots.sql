-- Lots: what they are, where they lie, what became of them.

-- part: lot_rows
SELECT t.id, t.variant_id, i.sku, i.name, i.unit, t.number, t.status, t.supplier, t.supplier_lot, t.manufactured_on,
       t.expires_on, t.best_before_on, t.certificate, t.certificate_type, t.created_at, t.updated_at, t.version,
       s.on_hand, s.in_transit
FROM lots t
JOIN product_variants i ON i.id = t.variant_id
CROSS JOIN LATERAL (
  SELECT coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit'), 0) AS on_hand,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind = 'transit'), 0) AS in_transit
  FROM inventory_levels v JOIN locations l ON l.id = v.location_id
  WHERE v.lot_id = t.id AND v.lot_id <> 0 AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
    AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
) s
WHERE t.id <> 0

-- part: of_lots
  AND (%(variant_ids)s::bigint[] IS NULL OR t.variant_id = ANY (%(variant_ids)s::bigint[]))
  AND (%(status)s::text IS NULL OR t.status = %(status)s)
  AND (%(expiring_before)s::date IS NULL OR t.expires_on < %(expiring_before)s)
  AND (%(number)s::text IS NULL OR starts_with(upper(t.number), upper(%(number)s)))
  AND (%(supplier)s::text IS NULL OR upper(t.supplier) = upper(%(supplier)s))
  AND (%(supplier_lot)s::text IS NULL OR upper(t.supplier_lot) = upper(%(supplier_lot)s))
  AND (NOT %(with_stock)s::boolean OR s.on_hand <> 0 OR s.in_transit <> 0)

-- name: lots_newest
-- with: lot_rows
-- with: of_lots
  AND (%(after_id)s::bigint IS NULL OR t.id < %(after_id)s)
ORDER BY t.id DESC LIMIT %(limit)s;

-- name: lots_by_number
-- with: lot_rows
-- with: of_lots
  AND (%(after)s::text IS NULL OR (upper(t.number), t.id) > (%(after)s, %(after_id)s::bigint))
ORDER BY upper(t.number), t.id LIMIT %(limit)s;

-- name: lots_by_expiry
-- The first to expire first; those that don't, last.
-- with: lot_rows
-- with: of_lots
  AND (%(after)s::text IS NULL OR (coalesce(t.expires_on, '9999-12-31'), t.id) > (%(after)s::date, %(after_id)s::bigint))
ORDER BY coalesce(t.expires_on, '9999-12-31'), t.id LIMIT %(limit)s;

-- name: lot
-- with: lot_rows
  AND t.id = %(lot_id)s;

-- name: lot_places
-- Where a lot lies.
SELECT v.location_id, l.code AS location, l.kind, l.sellable, s.code AS site, v.on_hand, v.version
FROM inventory_levels v JOIN locations l ON l.id = v.location_id JOIN locations s ON s.id = l.site_id
WHERE v.lot_id = %(lot_id)s AND v.lot_id <> 0 AND v.on_hand <> 0
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
ORDER BY l.code;

-- name: lot_sums
-- What is promised of a lot, and what came of it by the ledger; corrections counted where they belong.
SELECT (SELECT coalesce(sum(a.quantity), 0) FROM order_allocations a JOIN locations l ON l.id = a.site_id
        WHERE a.variant_id = %(variant_id)s AND a.lot_id = %(lot_id)s AND a.state = 'open' AND a.lot_id <> 0
          AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])) AS allocated,
       (SELECT coalesce(sum(r.quantity), 0) FROM reservations r JOIN locations l ON l.id = r.site_id
        WHERE r.variant_id = %(variant_id)s AND r.lot_id = %(lot_id)s AND r.state = 'open'
          AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])) AS reserved,
       coalesce(sum(t.quantity) FILTER (WHERE t.type = 'RECEIPT'), 0) AS received,
       coalesce(-sum(t.quantity) FILTER (WHERE t.type = 'SALE'), 0) AS sold,
       coalesce(sum(t.quantity) FILTER (WHERE t.type = 'RETURN'), 0) AS returned,
       coalesce(-sum(t.quantity) FILTER (WHERE t.type = 'WRITE_OFF'), 0) AS written_off
FROM inventory_transactions t JOIN locations l ON l.id = t.location_id
WHERE t.lot_id = %(lot_id)s AND t.lot_id <> 0
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[]);

-- name: lot_events
SELECT e.id, e.lot_id, e.at, e.actor_id, p.name AS actor, e.action, e.before, e.after, e.reason, e.reference
FROM lot_events e JOIN people p ON p.id = e.actor_id
WHERE e.lot_id = %(lot_id)s AND (%(after)s::bigint IS NULL OR e.id < %(after)s)
ORDER BY e.id DESC LIMIT %(limit)s;

-- Changing ------------------------------------------------------------------------------------------------------------

-- name: lock_lots
SELECT id, number, status, supplier, supplier_lot, manufactured_on, expires_on, best_before_on, certificate,
       certificate_type, version
FROM lots WHERE id = ANY (%(lot_ids)s::bigint[]) AND id <> 0 ORDER BY id FOR UPDATE;

-- name: lots_elsewhere
-- Places where these lots lie, and that are not the actor's.
SELECT l.code FROM inventory_levels v JOIN locations l ON l.id = v.location_id
WHERE v.lot_id = ANY (%(lot_ids)s::bigint[]) AND v.lot_id <> 0 AND v.on_hand <> 0 AND NOT l.path && %(scope)s::bigint[]
ORDER BY l.code LIMIT 1;

-- name: mark_lots
-- All lots at once, and what was changed, with who and why. They were locked before.
WITH marked AS (
  UPDATE lots SET status = %(status)s, version = version + 1, updated_at = statement_timestamp()
  WHERE id = ANY (%(lot_ids)s::bigint[]) AND id <> 0
  RETURNING id
)
INSERT INTO lot_events (lot_id, actor_id, action, before, after, reason, reference)
SELECT u.id, %(actor_id)s, 'status', jsonb_build_object('status', u.was), jsonb_build_object('status', %(status)s::text),
       %(reason)s, %(reference)s
FROM unnest(%(lot_ids)s::bigint[], %(were)s::text[]) AS u (id, was) JOIN marked m ON m.id = u.id;

-- name: change_lot
UPDATE lots
SET supplier = %(supplier)s, supplier_lot = %(supplier_lot)s, manufactured_on = %(manufactured_on)s,
    expires_on = %(expires_on)s, best_before_on = %(best_before_on)s, certificate = %(certificate)s,
    certificate_type = %(certificate_type)s, version = version + 1, updated_at = statement_timestamp()
WHERE id = %(id)s;

-- name: keep_lot_event
INSERT INTO lot_events (lot_id, actor_id, action, before, after, reason)
VALUES (%(lot_id)s, %(actor_id)s, %(action)s, %(before)s::jsonb, %(after)s::jsonb, %(reason)s);

-- name: blocked_among
-- Of these lots, the first that may not be sent at that instant. What happened before a lot was blocked can be told late.
SELECT t.number, i.sku, t.status, t.expires_on FROM lots t JOIN product_variants i ON i.id = t.variant_id
WHERE t.id = ANY (%(lot_ids)s::bigint[]) AND (
  t.expires_on < %(day)s::date OR t.blocked AND (NOT %(told)s::boolean OR %(at)s::timestamptz >= coalesce((
    SELECT max(e.at) FROM lot_events e
    WHERE e.lot_id = t.id AND e.action = 'status' AND e.before ->> 'status' = 'released'), '-infinity')))
ORDER BY t.id LIMIT 1;

-- name: holds_content
-- Whether a lot has this file.
SELECT EXISTS (SELECT FROM lots WHERE certificate = %(sha256)s);

-- name: keep_content
-- Whoever adds a file with this content, or removes the content, waits for the other.
SELECT pg_advisory_xact_lock(hashtextextended('image ' || %(sha256)s, 0));

-- Expiring ------------------------------------------------------------------------------------------------------------

-- name: expiring
-- Lots with stock whose last day comes by then, or is over; the first first.
-- with: expiring_rows
  AND (%(after)s::date IS NULL OR (t.expires_on, t.id) > (%(after)s, %(after_id)s::bigint))
ORDER BY t.expires_on, t.id LIMIT %(limit)s;

-- name: expiring_untold
-- Those that nobody was told of yet.
-- with: expiring_rows
  AND a.alerted_at IS NULL
ORDER BY t.expires_on, t.id LIMIT %(limit)s;

-- part: expiring_rows
SELECT t.id, t.variant_id, i.sku, i.name, i.unit, t.number, t.status, t.expires_on,
       t.expires_on - %(today)s::date AS days_left, s.on_hand, s.on_hand * i.cost_price AS value, a.alerted_at
FROM lots t
JOIN product_variants i ON i.id = t.variant_id
LEFT JOIN lot_expiry_alerts a ON a.lot_id = t.id AND a.expires_on = t.expires_on
CROSS JOIN LATERAL (
  SELECT coalesce(sum(v.on_hand), 0) AS on_hand FROM inventory_levels v JOIN locations l ON l.id = v.location_id
  WHERE v.lot_id = t.id AND v.lot_id <> 0 AND v.on_hand > 0
    AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
    AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
) s
WHERE t.expires_on <= %(last_day)s::date AND s.on_hand > 0

-- name: keep_expiry_alerts
INSERT INTO lot_expiry_alerts (lot_id, expires_on)
SELECT * FROM unnest(%(lot_ids)s::bigint[], %(days)s::date[]) ON CONFLICT DO NOTHING;
