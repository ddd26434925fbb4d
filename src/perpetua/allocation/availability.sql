-- name: availability
-- All that an answer about items stands on, in one look, as JSON: the items that are named, what the kits among them are
-- made of, the newest rules, the sites that sell; what is there and promised of the items and components at those sites,
-- as allocation would find it under lock. Reservations that have expired count no more; what is promised of lots that
-- have expired or are blocked is told as missing, for it will be moved to others. Locks nothing.
-- Numbers go as text that is made once, and rows as arrays: hundreds of them come by here.
WITH named AS MATERIALIZED (
  SELECT asked.sku AS asked, v.id, v.sku, v.name, v.unit, u.decimals, v.tracking = 'lot' AS lots,
         v.active AND p.active AS active, EXISTS (SELECT FROM kit_components k WHERE k.kit_id = v.id) AS kit
  FROM unnest(%(skus)s::text[]) AS asked (sku)
  JOIN product_variants v ON upper(v.sku) = upper(asked.sku)
  JOIN products p ON p.id = v.product_id JOIN units u ON u.code = v.unit
), parts AS MATERIALIZED (
  SELECT k.kit_id, k.component_id, k.quantity, i.tracking = 'lot' AS lots
  FROM named n JOIN kit_components k ON k.kit_id = n.id JOIN product_variants i ON i.id = k.component_id
  WHERE n.kit
), sites AS MATERIALIZED (
  SELECT l.id, l.code, l.address FROM locations l WHERE l.parent_id IS NULL AND l.active AND l.sellable
), stocked AS MATERIALIZED (
  SELECT n.id, n.lots FROM named n WHERE NOT n.kit UNION SELECT k.component_id, k.lots FROM parts k
), sharing AS MATERIALIZED (
  SELECT c.rules #>> ARRAY['channels', %(channel)s::text, 'share_percent'] IS NOT NULL AS any
  FROM allocation_config c ORDER BY c.version DESC LIMIT 1
), late AS MATERIALIZED (
  SELECT r.variant_id, r.site_id, sum(r.quantity) AS quantity FROM reservations r
  WHERE r.state = 'open' AND r.expires_at <= clock_timestamp() GROUP BY 1, 2
)
SELECT json_build_object(
  'version', c.version, 'rules', c.rules,
  'items', (SELECT json_agg(json_build_array(n.asked, n.id, n.sku, n.name, n.unit, n.decimals, n.active, n.kit, n.lots))
            FROM named n),
  'parts', (SELECT json_agg(json_build_array(k.kit_id, k.component_id, k.quantity::text, k.lots)) FROM parts k),
  'sites', (SELECT json_agg(json_build_object(
              'id', s.id, 'code', s.code, 'country', s.address ->> 'country', 'region', s.address ->> 'region',
              'postcode', s.address ->> 'postcode') ORDER BY s.code) FROM sites s),
  'stock', (
    SELECT string_agg(concat_ws(' ', p.variant_id, p.site_id, p.on_hand, p.unsellable, p.allocated,
                                p.reserved - coalesce(e.quantity, 0), p.on_order), ' ')
    FROM stocked w
    JOIN inventory_positions p ON p.variant_id = w.id AND p.site_id = ANY (ARRAY(SELECT s.id FROM sites s))
    LEFT JOIN late e ON e.variant_id = p.variant_id AND e.site_id = p.site_id),
  'shared', (
    SELECT json_agg(json_build_array(w.id, s.id, x.quantity::text))
    FROM stocked w CROSS JOIN sites s
    CROSS JOIN LATERAL (
      SELECT sum(y.quantity) AS quantity
      FROM (
        SELECT a.quantity FROM order_allocations a
        WHERE a.variant_id = w.id AND a.site_id = s.id AND a.state = 'open' AND %(channel)s = (
          SELECT o.channel FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.id = a.line_id LIMIT 1)
        UNION ALL
        SELECT r.quantity FROM reservations r
        WHERE r.variant_id = w.id AND r.site_id = s.id AND r.state = 'open' AND r.channel = %(channel)s
          AND r.expires_at > clock_timestamp()
      ) y) x
    WHERE (SELECT g.any FROM sharing g) AND x.quantity <> 0),
  'lots', (
    SELECT json_agg(json_build_array(w.id, s.id, x.lot_id, x.free::text, x.expires_on))
    FROM stocked w CROSS JOIN sites s
    CROSS JOIN LATERAL (
      SELECT t.id AS lot_id, CASE WHEN u.usable THEN t.expires_on END AS expires_on,
             CASE WHEN u.usable THEN sum(i.on_hand) ELSE 0 END
             - coalesce((SELECT sum(a.quantity) FROM order_allocations a
                         WHERE a.variant_id = w.id AND a.site_id = s.id AND a.state = 'open' AND a.lot_id = t.id), 0)
             - coalesce((SELECT sum(r.quantity) FROM reservations r
                         WHERE r.variant_id = w.id AND r.site_id = s.id AND r.state = 'open' AND r.lot_id = t.id
                           AND r.expires_at > clock_timestamp()), 0) AS free
      FROM inventory_levels i JOIN locations l ON l.id = i.location_id JOIN lots t ON t.id = i.lot_id
      CROSS JOIN LATERAL (SELECT NOT t.blocked AND (t.expires_on IS NULL OR t.expires_on >= %(today)s::date) AS usable) u
      WHERE i.variant_id = w.id AND i.on_hand > 0 AND l.site_id = s.id AND l.sellable AND l.kind <> 'transit'
      GROUP BY t.id, t.expires_on, u.usable
    ) x WHERE w.lots))::text
FROM allocation_config c ORDER BY c.version DESC LIMIT 1;
