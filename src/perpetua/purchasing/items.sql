-- name: pairs
-- Items of suppliers with their prices, by supplier and variant.
SELECT i.id, i.supplier_id, i.variant_id, i.supplier_sku, i.lead_time_days, i.min_order_qty, i.pack_multiple, i.preferred, i.active,
       i.version,
       coalesce((SELECT jsonb_agg(jsonb_build_object('min_qty', p.min_qty::text, 'unit_price', p.unit_price::text) ORDER BY p.min_qty)
                 FROM supplier_prices p WHERE p.supplier_item_id = i.id), '[]') AS prices
FROM unnest(%(supplier_ids)s::bigint[], %(variant_ids)s::bigint[]) AS u (supplier_id, variant_id)
JOIN supplier_items i USING (supplier_id, variant_id)
ORDER BY i.id FOR UPDATE OF i;

-- name: preferred_of
SELECT i.variant_id FROM supplier_items i WHERE i.preferred AND i.variant_id = ANY (%(variant_ids)s::bigint[]);

-- name: unprefer
-- Who was preferred for these items is no longer, but for the suppliers named beside them.
UPDATE supplier_items i SET preferred = false, version = i.version + 1, updated_at = statement_timestamp()
FROM unnest(%(supplier_ids)s::bigint[], %(variant_ids)s::bigint[]) AS u (supplier_id, variant_id)
WHERE i.variant_id = u.variant_id AND i.preferred AND i.supplier_id <> u.supplier_id
RETURNING i.id;

-- name: set
INSERT INTO supplier_items AS i (supplier_id, variant_id, supplier_sku, lead_time_days, min_order_qty, pack_multiple, preferred, active)
SELECT u.supplier_id, u.variant_id, u.supplier_sku, u.lead_time_days, u.min_order_qty, u.pack_multiple, u.preferred, u.active
FROM unnest(
  %(supplier_ids)s::bigint[], %(variant_ids)s::bigint[], %(supplier_skus)s::text[], %(lead_times)s::integer[],
  %(minima)s::numeric[], %(packs)s::numeric[], %(preferred)s::boolean[], %(active)s::boolean[]
) AS u (supplier_id, variant_id, supplier_sku, lead_time_days, min_order_qty, pack_multiple, preferred, active)
ON CONFLICT (supplier_id, variant_id) DO UPDATE
SET supplier_sku = excluded.supplier_sku, lead_time_days = excluded.lead_time_days, min_order_qty = excluded.min_order_qty,
    pack_multiple = excluded.pack_multiple, preferred = excluded.preferred, active = excluded.active, version = i.version + 1,
    updated_at = statement_timestamp()
RETURNING i.id, i.supplier_id, i.variant_id;

-- name: drop_prices
DELETE FROM supplier_prices WHERE supplier_item_id = ANY (%(ids)s::bigint[]);

-- name: set_prices
INSERT INTO supplier_prices (supplier_item_id, min_qty, unit_price)
SELECT * FROM unnest(%(ids)s::bigint[], %(min_qtys)s::numeric[], %(unit_prices)s::numeric[])
ON CONFLICT (supplier_item_id, min_qty) DO UPDATE SET unit_price = excluded.unit_price;

-- name: prices
SELECT p.supplier_item_id, p.min_qty, p.unit_price FROM supplier_prices p
WHERE p.supplier_item_id = ANY (%(ids)s::bigint[]) ORDER BY 1, 2;

-- name: remove
DELETE FROM supplier_items WHERE id = ANY (%(ids)s::bigint[]);
