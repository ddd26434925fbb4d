-- name: promised
SELECT p.variant_id, p.site_id, p.allocated, coalesce(a.quantity, 0) AS allocated_by_rows,
       p.reserved, coalesce(r.quantity, 0) AS reserved_by_rows
FROM inventory_positions p
FULL JOIN (SELECT variant_id, site_id, sum(quantity) AS quantity FROM order_allocations WHERE state = 'open' GROUP BY 1, 2) a
  ON a.variant_id = p.variant_id AND a.site_id = p.site_id
FULL JOIN (SELECT variant_id, site_id, sum(quantity) AS quantity FROM reservations WHERE state = 'open' GROUP BY 1, 2) r
  ON r.variant_id = coalesce(p.variant_id, a.variant_id) AND r.site_id = coalesce(p.site_id, a.site_id)
WHERE coalesce(p.allocated, 0) <> coalesce(a.quantity, 0) OR coalesce(p.reserved, 0) <> coalesce(r.quantity, 0) LIMIT 100;

-- name: oversold
SELECT p.variant_id, p.site_id, p.on_hand, p.unsellable, p.allocated, p.reserved FROM inventory_positions p
WHERE p.allocated + p.reserved > greatest(p.on_hand - p.unsellable, 0) LIMIT 100;

-- name: lots
-- Of what has expired nothing may be sent; a day is left to see to it.
SELECT x.variant_id, x.site_id, x.lot_id, x.promised, y.there
FROM (
  SELECT p.variant_id, p.site_id, p.lot_id, sum(p.quantity) AS promised
  FROM (SELECT variant_id, site_id, lot_id, quantity FROM order_allocations WHERE state = 'open' AND lot_id <> 0
        UNION ALL SELECT variant_id, site_id, lot_id, quantity FROM reservations WHERE state = 'open' AND lot_id <> 0) p
  GROUP BY 1, 2, 3
) x
JOIN lots t ON t.id = x.lot_id
CROSS JOIN LATERAL (
  SELECT CASE WHEN t.blocked OR t.expires_on < (now() AT TIME ZONE 'UTC')::date - 1 THEN 0 ELSE coalesce(sum(v.on_hand), 0) END AS there
  FROM inventory_levels v JOIN locations l ON l.id = v.location_id
  WHERE v.variant_id = x.variant_id AND v.lot_id = x.lot_id AND l.site_id = x.site_id AND l.sellable AND l.kind <> 'transit'
    AND v.on_hand > 0
) y
WHERE x.promised > y.there LIMIT 100;

-- name: lines
SELECT l.id AS line_id, l.order_id, l.allocated, coalesce(a.quantity, 0) AS allocated_by_rows
FROM order_lines l
FULL JOIN (SELECT line_id, sum(quantity) AS quantity FROM order_allocations WHERE state = 'open' GROUP BY 1) a ON a.line_id = l.id
WHERE NOT coalesce(l.kit, false) AND coalesce(l.allocated, 0) <> coalesce(a.quantity, 0) LIMIT 100;

-- name: kits
SELECT l.id AS line_id, l.order_id, k.component_id, l.allocated * k.quantity AS expected, coalesce(a.quantity, 0) AS allocated_by_rows
FROM order_lines l JOIN kit_components k ON k.kit_id = l.variant_id
LEFT JOIN LATERAL (
  SELECT sum(a.quantity) AS quantity FROM order_allocations a
  WHERE a.line_id = l.id AND a.variant_id = k.component_id AND a.state = 'open'
) a ON true
WHERE l.kit AND (l.allocated > 0 OR l.backordered > 0) AND l.allocated * k.quantity <> coalesce(a.quantity, 0) LIMIT 100;

-- name: reasons
SELECT l.id AS line_id, l.order_id FROM order_lines l
WHERE NOT EXISTS (SELECT FROM allocation_audit_log g WHERE g.order_id = l.order_id AND g.line_id = l.id) LIMIT 100;

-- name: empty
SELECT o.id AS order_id FROM orders o WHERE NOT EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id) LIMIT 100;
