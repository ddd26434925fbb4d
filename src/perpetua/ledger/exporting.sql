-- What is written out to files: whole lists, each read once through a cursor. At a past moment the levels `x` are those of
-- `catalogue_then` (reading.sql), put in place of the first line.

-- name: export_levels
-- Item by place by lot.
WITH x AS (SELECT variant_id, location_id, lot_id, on_hand FROM inventory_levels)
SELECT i.sku, i.name, i.unit, s.code AS site, l.code AS location, l.kind, nullif(t.number, '') AS lot,
       t.expires_on::text AS expires_on, x.on_hand, i.cost_price * x.on_hand AS value
FROM x
JOIN product_variants i ON i.id = x.variant_id
JOIN products r ON r.id = i.product_id
JOIN locations l ON l.id = x.location_id
JOIN locations s ON s.id = l.site_id
JOIN lots t ON t.id = x.lot_id
WHERE (%(with_zero)s OR x.on_hand <> 0)
  AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
-- with: of_items
ORDER BY upper(i.sku), upper(l.code), t.number;

-- name: export_places
-- Item by place, whatever the lots.
WITH x AS (SELECT variant_id, location_id, lot_id, on_hand FROM inventory_levels)
SELECT i.sku, i.name, i.unit, s.code AS site, l.code AS location, l.kind, sum(x.on_hand) AS on_hand,
       i.cost_price * sum(x.on_hand) AS value
FROM x
JOIN product_variants i ON i.id = x.variant_id
JOIN products r ON r.id = i.product_id
JOIN locations l ON l.id = x.location_id
JOIN locations s ON s.id = l.site_id
WHERE true
  AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
  AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
-- with: of_items
GROUP BY i.id, l.id, s.id
HAVING %(with_zero)s OR sum(x.on_hand) <> 0
ORDER BY upper(i.sku), upper(l.code);

-- name: export_items_then
-- Item by item, of past moments; `stock_now` tells of the present.
WITH x AS (SELECT variant_id, location_id, lot_id, on_hand FROM inventory_levels)
SELECT i.sku, i.name, i.unit, coalesce(s.on_hand, 0) AS on_hand, coalesce(s.unsellable, 0) AS unsellable,
       coalesce(s.in_transit, 0) AS in_transit,
       i.cost_price * (coalesce(s.on_hand, 0) + coalesce(s.in_transit, 0)) AS value
FROM product_variants i
JOIN products r ON r.id = i.product_id
LEFT JOIN (
  SELECT x.variant_id,
         coalesce(sum(x.on_hand) FILTER (WHERE l.kind <> 'transit'), 0) AS on_hand,
         coalesce(sum(x.on_hand) FILTER (WHERE l.kind <> 'transit' AND NOT l.sellable), 0) AS unsellable,
         coalesce(sum(x.on_hand) FILTER (WHERE l.kind = 'transit'), 0) AS in_transit
  FROM x JOIN locations l ON l.id = x.location_id
  WHERE (%(variant_ids)s::bigint[] IS NULL OR x.variant_id = ANY (%(variant_ids)s::bigint[]))
    AND (%(location_id)s::bigint IS NULL OR l.path @> ARRAY[%(location_id)s::bigint])
    AND (%(scope)s::bigint[] IS NULL OR l.path && %(scope)s::bigint[])
  GROUP BY 1
) s ON s.variant_id = i.id
WHERE (%(with_zero)s OR s.on_hand <> 0 OR s.in_transit <> 0)
-- with: of_items
ORDER BY upper(i.sku);

-- name: export_movements
-- In the order they were written.
SELECT t.id, t.posting_id, t.line_no, t.effective_at, t.recorded_at, t.type::text AS type, i.sku, i.name,
       l.code AS location, nullif(b.number, '') AS lot, s.serial, t.quantity, i.unit, t.unit_cost, t.reason_code,
       t.reference_type, t.reference_id, t.corrects_id, c.posting_id AS corrected_by, a.name AS actor,
       p.approved_by, p.command, p.note
FROM inventory_transactions t
JOIN postings p ON p.id = t.posting_id
JOIN people a ON a.id = p.actor_id
JOIN product_variants i ON i.id = t.variant_id
JOIN locations l ON l.id = t.location_id
JOIN lots b ON b.id = t.lot_id
LEFT JOIN serialised_stock s ON s.id = t.serial_id
LEFT JOIN corrections c ON c.corrected_id = t.id
WHERE (%(variant_ids)s::bigint[] IS NULL OR t.variant_id = ANY (%(variant_ids)s::bigint[]))
-- with: of_movements
ORDER BY t.id;
