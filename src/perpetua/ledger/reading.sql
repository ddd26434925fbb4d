-- What is there, now and at any moment. Parameters of a moment: as_of (it happened by then), known_at (it was written by
-- then), and the checkpoint to start from (its id, as_of and through_id; NULL, -infinity and 0 where there is none).

-- part: of_items
  AND (%(variant_ids)s::bigint[] IS NULL OR i.id = ANY (%(variant_ids)s::bigint[]))
  AND (%(product_id)s::bigint IS NULL OR i.product_id = %(product_id)s)
  AND (%(category_id)s::bigint IS NULL OR r.category_id IN (SELECT c.id FROM categories c WHERE c.path @> ARRAY[%(category_id)s::bigint]))
  AND (%(owner_id)s::bigint IS NULL OR r.owner_id = %(owner_id)s)

-- part: of_movements
  AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
  AND (%(types)s::text[] IS NULL OR t.type = ANY (%(types)s::text[]::transaction_type[]))
  AND (%(posting_id)s::bigint IS NULL OR t.posting_id = %(posting_id)s)
  AND (%(reference_type)s::text IS NULL OR t.reference_type = %(reference_type)s)
  AND (%(reference_id)s::text IS NULL OR t.reference_id = %(reference_id)s)
  AND (%(reason_code)s::text IS NULL OR t.reason_code = %(reason_code)s)
  AND (%(actor_id)s::bigint IS NULL OR p.actor_id = %(actor_id)s)
  AND (%(since)s::timestamptz IS NULL OR t.effective_at >= %(since)s)
  AND (%(until)s::timestamptz IS NULL OR t.effective_at < %(until)s)
  AND (%(known_at)s::timestamptz IS NULL OR t.recorded_at <= %(known_at)s)

-- part: movement_rows
SELECT t.id, t.posting_id, t.line_no, t.recorded_at, t.effective_at, t.type::text AS type, t.variant_id, i.sku, i.name,
       t.location_id, l.code AS location, nullif(b.number, '') AS lot, s.serial, t.quantity, i.unit, t.unit_cost,
       t.reason_code, t.reference_type, t.reference_id, t.corrects_id,
       (SELECT c.posting_id FROM corrections c WHERE c.corrected_id = t.id) AS corrected_by,
       p.actor_id, a.name AS actor, p.approved_by, p.command, p.note
FROM inventory_transactions t
JOIN postings p ON p.id = t.posting_id
JOIN people a ON a.id = p.actor_id
JOIN product_variants i ON i.id = t.variant_id
JOIN locations l ON l.id = t.location_id
JOIN lots b ON b.id = t.lot_id
LEFT JOIN serialised_stock s ON s.id = t.serial_id

-- name: best_checkpoint
-- The latest checkpoint at or before the moment that holds nothing written after known_at.
-- Beside it, up to when rows are in the archive: moments before that cannot be told from the ledger alone.
SELECT c.id AS checkpoint_id, c.as_of AS checkpoint_as_of, c.through_id AS checkpoint_through, a.archived_to
FROM (SELECT max(greatest(last_at, (month + interval '1 month') AT TIME ZONE 'UTC')) AS archived_to FROM ledger_archives) a
LEFT JOIN LATERAL (
  SELECT s.id, s.as_of, s.through_id FROM stock_checkpoints s
  WHERE s.ready AND s.as_of <= %(as_of)s AND s.made_at <= %(known_at)s AND (a.archived_to IS NULL OR s.as_of >= a.archived_to)
  ORDER BY s.as_of DESC, s.through_id DESC LIMIT 1
) c ON true;

-- name: stock_now
SELECT i.id AS variant_id, i.sku, i.name, i.unit, s.on_hand, s.unsellable, s.in_transit,
       s.on_hand - s.unsellable - coalesce(p.allocated, 0) - coalesce(p.reserved, 0) AS available,
       coalesce(p.allocated, 0) AS allocated, coalesce(p.reserved, 0) AS reserved, coalesce(p.on_order, 0) AS on_order,
       p.version, i.cost_price * (s.on_hand + s.in_transit) AS value
FROM product_variants i
JOIN products r ON r.id = i.product_id
CROSS JOIN LATERAL (
  SELECT count(*) AS places,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit'), 0) AS on_hand,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit' AND NOT l.sellable), 0) AS unsellable,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind = 'transit'), 0) AS in_transit
  FROM inventory_levels v JOIN locations l ON l.id = v.location_id
  WHERE v.variant_id = i.id
    AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
    AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
) s
LEFT JOIN LATERAL (
  -- Allocated, reserved and on order belong to a site as a whole.
  SELECT sum(p.allocated) AS allocated, sum(p.reserved) AS reserved, sum(p.on_order) AS on_order, sum(p.version)::bigint AS version
  FROM inventory_positions p JOIN locations l ON l.id = p.site_id
  WHERE p.variant_id = i.id AND (%(location_id)s::bigint IS NULL OR p.site_id = %(location_id)s)
    AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
) p ON true
WHERE (%(after)s::text IS NULL OR upper(i.sku) > %(after)s)
-- with: of_items
  AND (s.places > 0 OR %(with_zero)s) AND (%(with_zero)s OR s.on_hand <> 0 OR s.in_transit <> 0)
ORDER BY upper(i.sku) LIMIT %(limit)s;

-- name: stock_now_here
-- The same for a place with few levels: from the levels to the items, instead of from the items to the levels.
SELECT i.id AS variant_id, i.sku, i.name, i.unit, s.on_hand, s.unsellable, s.in_transit, s.on_hand - s.unsellable AS available,
       0::numeric AS allocated, 0::numeric AS reserved, 0::numeric AS on_order, NULL::bigint AS version,
       i.cost_price * (s.on_hand + s.in_transit) AS value
FROM (
  SELECT v.variant_id,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit'), 0) AS on_hand,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind <> 'transit' AND NOT l.sellable), 0) AS unsellable,
         coalesce(sum(v.on_hand) FILTER (WHERE l.kind = 'transit'), 0) AS in_transit
  FROM locations l JOIN inventory_levels v ON v.location_id = l.id
  WHERE l.path @> ARRAY[%(location_id)s::bigint] AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
  GROUP BY 1
) s
JOIN product_variants i ON i.id = s.variant_id
JOIN products r ON r.id = i.product_id
WHERE (%(after)s::text IS NULL OR upper(i.sku) > %(after)s)
-- with: of_items
  AND (%(with_zero)s OR s.on_hand <> 0 OR s.in_transit <> 0)
ORDER BY upper(i.sku) LIMIT %(limit)s;

-- name: levels_below
-- How many levels lie below a place, counted no further than needed to choose between the two ways.
SELECT count(*) FROM (
  SELECT 1 FROM locations l JOIN inventory_levels v ON v.location_id = l.id
  WHERE l.path @> ARRAY[%(location_id)s::bigint] LIMIT 5001) x;

-- name: stock_then
SELECT i.id AS variant_id, i.sku, i.name, i.unit, s.on_hand, s.unsellable, s.in_transit,
       i.cost_price * (s.on_hand + s.in_transit) AS value
FROM product_variants i
JOIN products r ON r.id = i.product_id
CROSS JOIN LATERAL (
  SELECT count(*) AS places,
         coalesce(sum(x.quantity) FILTER (WHERE l.kind <> 'transit'), 0) AS on_hand,
         coalesce(sum(x.quantity) FILTER (WHERE l.kind <> 'transit' AND NOT l.sellable), 0) AS unsellable,
         coalesce(sum(x.quantity) FILTER (WHERE l.kind = 'transit'), 0) AS in_transit
  FROM (
    SELECT c.location_id, c.on_hand AS quantity FROM stock_checkpoint_levels c
    WHERE c.checkpoint_id = %(checkpoint_id)s::bigint AND c.variant_id = i.id
    UNION ALL
    SELECT o.location_id, o.on_hand FROM ledger_opening o
    WHERE %(checkpoint_id)s::bigint IS NULL AND o.variant_id = i.id
    UNION ALL
    SELECT t.location_id, t.quantity FROM inventory_transactions t
    WHERE t.variant_id = i.id AND t.effective_at > %(checkpoint_as_of)s::timestamptz AND t.effective_at <= %(as_of)s
      AND t.recorded_at <= %(known_at)s AND t.recorded_at > %(checkpoint_as_of)s::timestamptz - interval '2 days'
    UNION ALL
    SELECT t.location_id, t.quantity FROM inventory_transactions t
    WHERE t.variant_id = i.id AND t.effective_at <= %(checkpoint_as_of)s::timestamptz AND t.id > %(checkpoint_through)s
      AND t.recorded_at - t.effective_at > interval '3 days'
      AND t.recorded_at <= %(known_at)s AND t.recorded_at > %(checkpoint_as_of)s::timestamptz + interval '3 days'
  ) x
  JOIN locations l ON l.id = x.location_id
  WHERE (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
    AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
) s
WHERE (%(after)s::text IS NULL OR upper(i.sku) > %(after)s)
-- with: of_items
  AND (s.places > 0 OR %(with_zero)s) AND (%(with_zero)s OR s.on_hand <> 0 OR s.in_transit <> 0)
ORDER BY upper(i.sku) LIMIT %(limit)s;

-- name: much_memory
-- For a statement that goes over the whole catalogue: a hash of all levels in memory, not on disk.
SELECT set_config('work_mem', '192MB', true);

-- name: catalogue_then
-- Every level of the whole catalogue at a moment; where nothing was, no row.
SELECT x.variant_id, x.location_id, x.lot_id, sum(x.quantity) AS on_hand
FROM (
  SELECT c.variant_id, c.location_id, c.lot_id, c.on_hand AS quantity FROM stock_checkpoint_levels c
  WHERE c.checkpoint_id = %(checkpoint_id)s::bigint
  UNION ALL
  SELECT o.variant_id, o.location_id, o.lot_id, o.on_hand FROM ledger_opening o WHERE %(checkpoint_id)s::bigint IS NULL
  UNION ALL
  SELECT t.variant_id, t.location_id, t.lot_id, t.quantity FROM inventory_transactions t
  WHERE t.effective_at > %(checkpoint_as_of)s::timestamptz AND t.effective_at <= %(as_of)s
    AND t.recorded_at <= %(known_at)s AND t.recorded_at > %(checkpoint_as_of)s::timestamptz - interval '2 days'
  UNION ALL
  SELECT t.variant_id, t.location_id, t.lot_id, t.quantity FROM inventory_transactions t
  WHERE t.effective_at <= %(checkpoint_as_of)s::timestamptz AND t.id > %(checkpoint_through)s
    AND t.recorded_at - t.effective_at > interval '3 days'
    AND t.recorded_at <= %(known_at)s AND t.recorded_at > %(checkpoint_as_of)s::timestamptz + interval '3 days'
) x
GROUP BY 1, 2, 3 HAVING sum(x.quantity) <> 0;

-- name: plan_once
-- For the next statement: with dozens of partitions it is planned in 25 ms and runs in one.
SELECT set_config('plan_cache_mode', 'force_generic_plan', true);

-- name: item_levels
-- Where an item lies now: its levels, place by place.
-- planned once
SELECT v.variant_id, i.sku, v.location_id, l.code AS location, l.kind, nullif(t.number, '') AS lot, t.expires_on::text AS expires_on,
       v.on_hand, v.version, v.updated_at
FROM inventory_levels v
JOIN product_variants i ON i.id = v.variant_id
JOIN locations l ON l.id = v.location_id
JOIN lots t ON t.id = v.lot_id
WHERE v.variant_id = ANY (%(variant_ids)s::bigint[]) AND (v.on_hand <> 0 OR %(with_zero)s)
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
ORDER BY i.sku, l.code, t.number;

-- name: item_levels_then
-- planned once
SELECT x.variant_id, i.sku, x.location_id, l.code AS location, l.kind, nullif(b.number, '') AS lot, b.expires_on::text AS expires_on,
       sum(x.quantity) AS on_hand
FROM (
  SELECT c.variant_id, c.location_id, c.lot_id, c.on_hand AS quantity FROM stock_checkpoint_levels c
  WHERE c.checkpoint_id = %(checkpoint_id)s::bigint AND c.variant_id = ANY (%(variant_ids)s::bigint[])
  UNION ALL
  SELECT o.variant_id, o.location_id, o.lot_id, o.on_hand FROM ledger_opening o
  WHERE %(checkpoint_id)s::bigint IS NULL AND o.variant_id = ANY (%(variant_ids)s::bigint[])
  UNION ALL
  SELECT t.variant_id, t.location_id, t.lot_id, t.quantity FROM inventory_transactions t
  WHERE t.variant_id = ANY (%(variant_ids)s::bigint[])
    AND t.effective_at > %(checkpoint_as_of)s::timestamptz AND t.effective_at <= %(as_of)s
    AND t.recorded_at <= %(known_at)s AND t.recorded_at > %(checkpoint_as_of)s::timestamptz - interval '2 days'
  UNION ALL
  SELECT t.variant_id, t.location_id, t.lot_id, t.quantity FROM inventory_transactions t
  WHERE t.variant_id = ANY (%(variant_ids)s::bigint[])
    AND t.effective_at <= %(checkpoint_as_of)s::timestamptz AND t.id > %(checkpoint_through)s
    AND t.recorded_at - t.effective_at > interval '3 days'
    AND t.recorded_at <= %(known_at)s AND t.recorded_at > %(checkpoint_as_of)s::timestamptz + interval '3 days'
) x
JOIN product_variants i ON i.id = x.variant_id
JOIN locations l ON l.id = x.location_id
JOIN lots b ON b.id = x.lot_id
WHERE (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
GROUP BY x.variant_id, i.sku, x.location_id, l.code, l.kind, b.number, b.expires_on
HAVING sum(x.quantity) <> 0
ORDER BY i.sku, l.code, b.number;

-- name: movements_of_items
-- The history of items, as it happened: the latest first.
-- with: movement_rows
WHERE t.variant_id = ANY (%(variant_ids)s::bigint[])
-- with: of_movements
  AND (%(after_at)s::timestamptz IS NULL OR (t.effective_at, t.id) < (%(after_at)s, %(after_id)s::bigint))
ORDER BY t.effective_at DESC, t.id DESC LIMIT %(limit)s;

-- name: movements
-- Movements of all items, as they were written: the latest first.
-- with: movement_rows
WHERE (%(after_id)s::bigint IS NULL OR t.id < %(after_id)s)
-- with: of_movements
ORDER BY t.id DESC LIMIT %(limit)s;

-- name: movements_of_serial
-- All that happened to one unit, the latest first.
-- with: movement_rows
WHERE t.serial_id = %(serial_id)s AND t.serial_id IS NOT NULL
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
  AND (%(after_id)s::bigint IS NULL OR t.id < %(after_id)s)
ORDER BY t.id DESC LIMIT %(limit)s;

-- name: movement
-- with: movement_rows
WHERE t.id = %(row_id)s AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[]);

-- part: serial_rows
SELECT s.id, s.variant_id, i.sku, s.serial, s.status, s.location_id, l.code AS location, nullif(s.lot_id, 0) AS lot_id,
       nullif(b.number, '') AS lot, s.updated_at
FROM serialised_stock s
JOIN product_variants i ON i.id = s.variant_id
JOIN lots b ON b.id = s.lot_id
LEFT JOIN locations l ON l.id = s.location_id

-- part: of_serials
WHERE (%(variant_ids)s::bigint[] IS NULL OR s.variant_id = ANY (%(variant_ids)s::bigint[]))
  AND (%(serial)s::text IS NULL OR upper(s.serial) = upper(%(serial)s))
  AND (%(first)s::text IS NULL OR length(s.serial) = length(%(first)s)
       AND upper(s.serial) COLLATE "C" BETWEEN upper(%(first)s) AND upper(%(last)s))
  AND (%(status)s::text IS NULL OR s.status = %(status)s)
  AND (%(lot)s::text IS NULL OR upper(b.number) = upper(%(lot)s))
  AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])

-- name: serials
-- with: serial_rows
-- with: of_serials
  AND (%(after)s::bigint IS NULL OR s.id > %(after)s)
ORDER BY s.id LIMIT %(limit)s;

-- name: serials_in_order
-- The same in the order of the serials.
-- with: serial_rows
-- with: of_serials
  AND (%(after)s::text IS NULL OR (upper(s.serial), s.id) > (%(after)s, %(after_id)s::bigint))
ORDER BY upper(s.serial), s.id LIMIT %(limit)s;

-- name: serial
-- with: serial_rows
WHERE s.id = %(serial_id)s AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[]);
