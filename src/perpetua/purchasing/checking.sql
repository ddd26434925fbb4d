-- name: on_order
SELECT coalesce(p.variant_id, l.variant_id) AS variant_id, coalesce(p.site_id, l.site_id) AS site_id, coalesce(p.on_order, 0) AS on_order,
       coalesce(l.quantity, 0) AS on_order_by_lines
FROM inventory_positions p
FULL JOIN (SELECT variant_id, site_id, sum(on_order) AS quantity FROM po_lines WHERE on_order > 0 GROUP BY 1, 2) l
  ON l.variant_id = p.variant_id AND l.site_id = p.site_id
WHERE coalesce(p.on_order, 0) <> coalesce(l.quantity, 0) LIMIT 100;

-- name: statuses
SELECT o.id AS po_id, o.status, po_status(o.id) AS by_lines FROM purchase_orders o WHERE o.status <> po_status(o.id) LIMIT 100;

-- name: approved
-- Submitted, and no person approved it.
SELECT o.id AS po_id FROM purchase_orders o
WHERE o.submitted_at IS NOT NULL AND NOT EXISTS (SELECT FROM po_approvals a WHERE a.po_id = o.id AND a.person_id > 0) LIMIT 100;
