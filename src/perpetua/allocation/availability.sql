-- name: availability
-- What is there and what is promised, of variants at sites, as allocation would find it under lock; reservations that
-- have expired count no more; what is promised of lots that have expired or are blocked is told as missing, for it will
-- be moved to others. Locks nothing.
SELECT p.variant_id, p.site_id, p.on_hand, p.unsellable, p.allocated, p.reserved - coalesce(e.quantity, 0) AS reserved,
       p.on_order, s.channel_quantity, t.lot_ids, t.lot_free, t.lot_expires
FROM unnest(%(variant_ids)s::bigint[], %(tracked)s::boolean[]) AS v (id, tracked)
JOIN inventory_positions p ON p.variant_id = v.id AND p.site_id = ANY (%(site_ids)s::bigint[])
LEFT JOIN (
  SELECT r.variant_id, r.site_id, sum(r.quantity) AS quantity FROM reservations r
  WHERE r.state = 'open' AND r.expires_at <= clock_timestamp() GROUP BY 1, 2
) e ON e.variant_id = p.variant_id AND e.site_id = p.site_id
LEFT JOIN LATERAL (
  SELECT coalesce(sum(x.quantity), 0) AS channel_quantity FROM (
    SELECT a.quantity FROM order_allocations a JOIN order_lines l ON l.id = a.line_id JOIN orders o ON o.id = l.order_id
    WHERE %(sharing)s::text IS NOT NULL AND a.variant_id = p.variant_id AND a.site_id = p.site_id AND a.state = 'open'
      AND o.channel = %(sharing)s
    UNION ALL
    SELECT r.quantity FROM reservations r
    WHERE %(sharing)s::text IS NOT NULL AND r.variant_id = p.variant_id AND r.site_id = p.site_id AND r.state = 'open'
      AND r.channel = %(sharing)s AND r.expires_at > clock_timestamp()) x
) s ON true
LEFT JOIN LATERAL (
  SELECT array_agg(x.lot_id) AS lot_ids, array_agg(x.free) AS lot_free, array_agg(x.expires_on) AS lot_expires
  FROM (
    SELECT t.id AS lot_id, CASE WHEN u.usable THEN t.expires_on END AS expires_on,
           CASE WHEN u.usable THEN sum(i.on_hand) ELSE 0 END
           - coalesce((SELECT sum(a.quantity) FROM order_allocations a
                       WHERE a.variant_id = p.variant_id AND a.site_id = p.site_id AND a.state = 'open'
                         AND a.lot_id = t.id), 0)
           - coalesce((SELECT sum(r.quantity) FROM reservations r
                       WHERE r.variant_id = p.variant_id AND r.site_id = p.site_id AND r.state = 'open'
                         AND r.lot_id = t.id AND r.expires_at > clock_timestamp()), 0) AS free
    FROM inventory_levels i JOIN locations l ON l.id = i.location_id JOIN lots t ON t.id = i.lot_id
    CROSS JOIN LATERAL (SELECT NOT t.blocked AND (t.expires_on IS NULL OR t.expires_on >= %(today)s::date) AS usable) u
    WHERE v.tracked AND i.variant_id = p.variant_id AND l.site_id = p.site_id AND l.sellable AND l.kind <> 'transit' AND i.on_hand > 0
    GROUP BY t.id, t.expires_on, u.usable
  ) x
) t ON true
ORDER BY p.variant_id, p.site_id;
