-- name: look
-- planned once
-- All that orders name, and what deciding them stands on, in one look, as JSON: those of them that are there already (by
-- channel and external id), the items and customers they name, the newest rules, the sites that goods can be sent from,
-- what the kits among the items are made of. With it ids for those that are not there, ahead of writing them: what comes
-- of a refusal is a gap. Each LIMIT 1 keeps the look-up one by key, also where it was planned while the tables were empty.
WITH known AS MATERIALIZED (
  SELECT o.* FROM unnest(%(channels)s::text[], %(external_ids)s::text[]) AS k (channel, external_id)
  CROSS JOIN LATERAL (
    SELECT o.id, o.channel, o.external_id, encode(o.body_hash, 'hex') AS hash FROM orders o
    WHERE o.external_id = k.external_id AND o.channel = k.channel LIMIT 1) o
), named AS MATERIALIZED (
  SELECT asked.sku AS asked, v.* FROM unnest(%(skus)s::text[]) AS asked (sku)
  CROSS JOIN LATERAL (
    SELECT v.id, v.product_id, v.sku, v.name, v.unit, u.decimals, v.tracking, v.active AND p.active AS active, p.owner_id,
           trim_scale(v.cost_price)::text AS cost_price, EXISTS (SELECT FROM kit_components k WHERE k.kit_id = v.id) AS kit
    FROM product_variants v JOIN products p ON p.id = v.product_id JOIN units u ON u.code = v.unit
    WHERE upper(v.sku) = upper(asked.sku) LIMIT 1) v
)
SELECT json_build_object(
  'version', c.version, 'rules', c.rules,
  'sites', (
    SELECT json_agg(json_build_object(
             'id', l.id, 'code', l.code, 'country', l.address ->> 'country', 'region', l.address ->> 'region',
             'postcode', l.address ->> 'postcode') ORDER BY l.code)
    FROM locations l WHERE l.parent_id IS NULL AND l.active AND l.sellable),
  'known', (SELECT json_agg(k) FROM known k),
  'variants', (SELECT json_agg(n) FROM named n),
  'customers', (
    SELECT json_agg(json_build_object(
             'id', m.id, 'code', m.code, 'tier', m.tier, 'min_life_days', m.min_life_days, 'active', m.active))
    FROM unnest(%(customers)s::text[]) AS k (code) JOIN customers m ON upper(m.code) = upper(k.code)),
  'parts', (
    SELECT json_agg(json_build_object('kit_id', k.kit_id, 'variant_id', k.component_id, 'quantity', k.quantity::text,
             'lots', i.tracking = 'lot') ORDER BY k.kit_id, k.component_id)
    FROM named n JOIN kit_components k ON k.kit_id = n.id JOIN product_variants i ON i.id = k.component_id
    WHERE n.kit),
  'order_ids', (SELECT json_agg(nextval('orders_id_seq'))
                FROM generate_series(1, %(orders)s - (SELECT count(*) FROM known))),
  'line_ids', (SELECT json_agg(nextval('order_lines_id_seq')) FROM generate_series(1, %(lines)s)))::text AS seen
FROM allocation_config c ORDER BY c.version DESC LIMIT 1;

-- name: ground
-- What every decision stands on: the newest rules, and the sites that goods can be sent from.
SELECT c.version, c.rules,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                 'id', l.id, 'code', l.code, 'country', l.address ->> 'country', 'region', l.address ->> 'region',
                 'postcode', l.address ->> 'postcode') ORDER BY l.code), '[]')
        FROM locations l WHERE l.parent_id IS NULL AND l.active AND l.sellable) AS sites
FROM allocation_config c ORDER BY c.version DESC LIMIT 1;

-- name: kit_parts
SELECT k.kit_id, k.component_id AS variant_id, k.quantity, i.tracking = 'lot' AS lots
FROM kit_components k JOIN product_variants i ON i.id = k.component_id
WHERE k.kit_id = ANY (%(ids)s::bigint[]) ORDER BY k.kit_id, k.component_id;

-- name: hold_recipes
-- Until this transaction ends no kit comes to be made of something else: whoever changes one holds this alone.
SELECT pg_advisory_xact_lock_shared(7016);

-- name: lock_positions
SELECT variant_id, site_id, on_hand, unsellable, allocated, reserved, freed
FROM allocation_lock(%(variant_ids)s::bigint[], %(site_ids)s::bigint[]);

-- name: lots
-- Lots that may be promised, first expired first, and what is free of each. Read under lock_positions. What is promised of
-- others, which have expired since or are blocked, is told as missing: less than nothing is free of them.
SELECT x.variant_id, x.site_id, x.lot_id, CASE WHEN u.usable THEN t.expires_on END AS expires_on,
       CASE WHEN u.usable THEN x.on_hand ELSE 0 END - coalesce(a.quantity, 0) - coalesce(r.quantity, 0) AS free
FROM (
  SELECT v.variant_id, l.site_id, v.lot_id, sum(v.on_hand) AS on_hand
  FROM inventory_levels v JOIN locations l ON l.id = v.location_id
  WHERE v.variant_id = ANY (%(variant_ids)s::bigint[]) AND l.site_id = ANY (%(site_ids)s::bigint[])
    AND l.sellable AND l.kind <> 'transit' AND v.on_hand > 0
  GROUP BY 1, 2, 3
) x
JOIN lots t ON t.id = x.lot_id
LEFT JOIN LATERAL (
  SELECT sum(a.quantity) AS quantity FROM order_allocations a
  WHERE a.variant_id = x.variant_id AND a.site_id = x.site_id AND a.state = 'open' AND a.lot_id = x.lot_id
) a ON true
LEFT JOIN LATERAL (
  SELECT sum(r.quantity) AS quantity FROM reservations r
  WHERE r.variant_id = x.variant_id AND r.site_id = x.site_id AND r.state = 'open' AND r.lot_id = x.lot_id
    AND r.expires_at > clock_timestamp()
) r ON true
CROSS JOIN LATERAL (SELECT NOT t.blocked AND (t.expires_on IS NULL OR t.expires_on >= %(today)s::date) AS usable) u
WHERE u.usable OR (x.lot_id <> 0 AND coalesce(a.quantity, 0) + coalesce(r.quantity, 0) > 0)
ORDER BY x.variant_id, x.site_id, t.expires_on NULLS LAST, x.lot_id;

-- name: by_channel
-- What channels that have a share hold, allocated or reserved, by position.
SELECT x.variant_id, x.site_id, x.channel, sum(x.quantity) AS quantity
FROM (
  SELECT a.variant_id, a.site_id, o.channel, a.quantity
  FROM order_allocations a JOIN order_lines l ON l.id = a.line_id JOIN orders o ON o.id = l.order_id
  WHERE a.variant_id = ANY (%(variant_ids)s::bigint[]) AND a.site_id = ANY (%(site_ids)s::bigint[]) AND a.state = 'open'
    AND o.channel = ANY (%(channels)s::text[])
  UNION ALL
  SELECT r.variant_id, r.site_id, r.channel, r.quantity FROM reservations r
  WHERE r.variant_id = ANY (%(variant_ids)s::bigint[]) AND r.site_id = ANY (%(site_ids)s::bigint[]) AND r.state = 'open'
    AND r.expires_at > clock_timestamp() AND r.channel = ANY (%(channels)s::text[])
) x
GROUP BY 1, 2, 3;

-- name: sites_of_orders
-- Where the open allocations of orders lie, line by line.
SELECT l.order_id, l.line_no, l.kit, a.variant_id, s.code AS site, sum(a.quantity) AS quantity
FROM order_lines l JOIN order_allocations a ON a.line_id = l.id AND a.state = 'open' JOIN locations s ON s.id = a.site_id
WHERE l.order_id = ANY (%(ids)s::bigint[]) GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 5;

-- name: record
-- Allocations and why, in one statement; a trigger adds the allocations to the positions.
WITH made AS (
  INSERT INTO order_allocations (line_id, variant_id, site_id, lot_id, quantity)
  SELECT t.line_id, t.variant_id, t.site_id, t.lot_id, t.quantity
  FROM unnest(%(take_line_ids)s::bigint[], %(take_variant_ids)s::bigint[], %(take_site_ids)s::bigint[],
              %(take_lot_ids)s::bigint[], %(take_quantities)s::numeric[]) AS t (line_id, variant_id, site_id, lot_id, quantity)
)
INSERT INTO allocation_audit_log (actor_id, action, order_id, line_id, variant_id, asked, given, config_version, facts, reason)
SELECT d.actor_id, d.action, d.order_id, d.line_id, d.variant_id, d.asked, d.given, %(config_version)s, d.facts, d.reason
FROM unnest(%(actor_ids)s::bigint[], %(actions)s::text[], %(order_ids)s::bigint[], %(line_ids)s::bigint[],
            %(variant_ids)s::bigint[], %(asked)s::numeric[], %(given)s::numeric[], %(facts)s::jsonb[], %(reasons)s::text[])
     AS d (actor_id, action, order_id, line_id, variant_id, asked, given, facts, reason);

-- Who waits, and what is promised -------------------------------------------------------------------------------------

-- name: anyone_waits
-- By the index of those that wait: the planner takes a third of all lines for waiting, and would look at them one by one.
SELECT (SELECT variant_id FROM order_lines WHERE backordered > 0
        ORDER BY variant_id, id LIMIT 1) IS NOT NULL;

-- name: grown
-- Of the places that stock comes to: the positions where somebody waits for it, themselves or for a kit it is part of.
SELECT DISTINCT g.variant_id, l.site_id
FROM unnest(%(variant_ids)s::bigint[], %(location_ids)s::bigint[]) AS g (variant_id, location_id)
JOIN locations l ON l.id = g.location_id AND l.sellable AND l.kind <> 'transit'
WHERE EXISTS (SELECT FROM order_lines w WHERE w.variant_id = g.variant_id
              AND w.backordered > 0)
   OR EXISTS (SELECT FROM kit_components k JOIN order_lines w ON w.variant_id = k.kit_id
              AND w.backordered > 0 WHERE k.component_id = g.variant_id);

-- name: also_needed
-- What must be locked beside these variants, so that whoever waits for them can be given all they need: of orders that go
-- together or not at all the other items, of kits the other components; and, of kits that hold some, what they would give
-- back; where goods are lost, also of orders that go together. Two steps far: what is given back may be waited for in its
-- turn. With it, all sites that sell. Nothing, where nobody needs more than one.
WITH RECURSIVE whole AS MATERIALIZED (
  SELECT o.id AS order_id, p.variant_id
  FROM orders o JOIN order_lines l ON l.order_id = o.id AND l.backordered > 0
  CROSS JOIN LATERAL (
    SELECT l.variant_id WHERE NOT l.kit
    UNION ALL SELECT k.component_id FROM kit_components k WHERE l.kit AND k.kit_id = l.variant_id) p
  WHERE o.fulfilment = 'complete' AND o.status NOT IN ('ALLOCATED', 'SHIPPED', 'CANCELLED', 'RETURNED')
), together AS MATERIALIZED (
  SELECT a.variant_id, array_agg(DISTINCT b.variant_id) AS others FROM whole a JOIN whole b USING (order_id) GROUP BY 1
), need (variant_id, step) AS (
  SELECT DISTINCT u.v, 0 FROM unnest(%(variant_ids)s::bigint[]) AS u (v)
  UNION
  SELECT x.variant_id, n.step + 1
  FROM need n LEFT JOIN together t ON t.variant_id = n.variant_id
  CROSS JOIN LATERAL (
    SELECT unnest(t.others) AS variant_id
    UNION ALL
    SELECT c.component_id FROM kit_components k JOIN kit_components c ON c.kit_id = k.kit_id
    WHERE k.component_id = n.variant_id AND EXISTS (
      SELECT FROM order_lines l WHERE l.variant_id = k.kit_id AND l.kit
        AND (l.allocated > 0 OR l.backordered > 0))
    UNION ALL
    SELECT b.variant_id
    FROM order_allocations a JOIN order_lines l ON l.id = a.line_id
    JOIN orders o ON o.id = l.order_id AND o.fulfilment = 'complete'
    JOIN order_lines m ON m.order_id = o.id JOIN order_allocations b ON b.line_id = m.id AND b.state = 'open'
    WHERE %(losing)s AND a.variant_id = n.variant_id AND a.state = 'open' AND n.step = 0
  ) x WHERE n.step < 2
)
SELECT DISTINCT n.variant_id, s.id AS site_id
FROM need n JOIN locations s ON s.parent_id IS NULL AND s.active AND s.sellable
WHERE EXISTS (SELECT FROM need m WHERE m.step > 0)
ORDER BY 1, 2;

-- name: everywhere
-- The positions of these variants at all sites that sell.
SELECT p.variant_id, p.site_id FROM inventory_positions p
JOIN locations s ON s.id = p.site_id AND s.active AND s.sellable
WHERE p.variant_id = ANY (%(variant_ids)s::bigint[]) ORDER BY 1, 2;

-- name: waiting
-- Lines that wait for these variants, or for kits of them, the first in turn first; of orders that take all or nothing, all
-- lines that wait. Read under the variants' locks: whoever changes a line holds them.
WITH first AS (
  SELECT l.order_id, min(r.place) AS place
  FROM (
    SELECT l.id, row_number() OVER (ORDER BY o.jumps DESC, t.rank, o.placed_at, l.id) AS place
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    CROSS JOIN LATERAL (
      SELECT coalesce(min(t.rank), %(worst)s::integer) AS rank
      FROM unnest(%(tiers)s::text[], %(ranks)s::integer[]) AS t (code, rank) WHERE t.code = o.tier
    ) t
    WHERE l.backordered > 0 AND l.order_id <> ALL (%(looked_at)s::bigint[])
      AND (l.variant_id = ANY (%(variant_ids)s::bigint[]) OR l.variant_id IN (
        SELECT k.kit_id FROM kit_components k WHERE k.component_id = ANY (%(variant_ids)s::bigint[])))
    ORDER BY 2 LIMIT %(most)s
  ) r JOIN order_lines l ON l.id = r.id
  GROUP BY 1
)
SELECT l.id AS line_id, l.order_id, l.line_no, l.variant_id, l.kit, l.backordered, i.tracking = 'lot' AS lots, u.decimals,
       o.channel, o.tier, o.fulfilment, o.site_id, o.country, o.region, o.postcode, o.min_life_days, o.jumps, o.placed_at
FROM first f JOIN orders o ON o.id = f.order_id JOIN order_lines l ON l.order_id = o.id
JOIN product_variants i ON i.id = l.variant_id JOIN units u ON u.code = i.unit
WHERE l.backordered > 0
  AND (o.fulfilment = 'complete' OR l.variant_id = ANY (%(variant_ids)s::bigint[]) OR l.variant_id IN (
        SELECT k.kit_id FROM kit_components k WHERE k.component_id = ANY (%(variant_ids)s::bigint[])))
ORDER BY f.place, l.line_no;

-- name: still_waiting
-- Read under the orders' locks.
SELECT id, backordered FROM order_lines
WHERE id = ANY (%(line_ids)s::bigint[]) AND backordered > 0;

-- name: promised_away
-- Positions where less would be left to sell than is promised, if these changes were made. Read under their locks.
SELECT p.variant_id, p.site_id, i.sku, s.code AS site, p.on_hand - p.unsellable AS sellable, p.allocated, p.reserved,
       d.change, p.allocated + p.reserved - greatest(p.on_hand - p.unsellable + d.change, 0) AS too_much
FROM (
  SELECT c.variant_id, l.site_id, sum(c.quantity) AS change
  FROM unnest(%(variant_ids)s::bigint[], %(location_ids)s::bigint[], %(quantities)s::numeric[]) AS c (variant_id, location_id, quantity)
  JOIN locations l ON l.id = c.location_id AND l.sellable AND l.kind <> 'transit'
  GROUP BY 1, 2 HAVING sum(c.quantity) < 0
) d
JOIN inventory_positions p ON p.variant_id = d.variant_id AND p.site_id = d.site_id
JOIN product_variants i ON i.id = p.variant_id JOIN locations s ON s.id = p.site_id
WHERE p.allocated + p.reserved > 0 AND p.allocated + p.reserved > greatest(p.on_hand - p.unsellable + d.change, 0)
ORDER BY 1, 2;

-- name: last_in_turn
-- Open allocations at positions, whoever is last in turn first; with all others of their lines, for kits, and of orders that
-- go together or not at all.
SELECT a.id, a.line_id, a.variant_id, a.site_id, a.lot_id, a.quantity, l.order_id, l.kit, l.variant_id AS line_variant_id,
       o.fulfilment, o.status, o.min_life_days
FROM order_allocations a JOIN order_lines l ON l.id = a.line_id JOIN orders o ON o.id = l.order_id
CROSS JOIN LATERAL (
  SELECT coalesce(min(t.rank), %(worst)s::integer) AS rank
  FROM unnest(%(tiers)s::text[], %(ranks)s::integer[]) AS t (code, rank) WHERE t.code = o.tier
) t
WHERE a.state = 'open' AND a.line_id IN (
  SELECT h.line_id FROM order_allocations h
  WHERE h.variant_id = ANY (%(variant_ids)s::bigint[]) AND h.site_id = ANY (%(site_ids)s::bigint[]) AND h.state = 'open'
  UNION ALL
  SELECT m.id FROM order_allocations h JOIN order_lines n ON n.id = h.line_id
  JOIN orders w ON w.id = n.order_id AND w.fulfilment = 'complete' JOIN order_lines m ON m.order_id = w.id
  WHERE h.variant_id = ANY (%(variant_ids)s::bigint[]) AND h.site_id = ANY (%(site_ids)s::bigint[]) AND h.state = 'open')
ORDER BY o.jumps, t.rank DESC, o.placed_at DESC, l.id DESC, a.id DESC;

-- name: open_of_lines
SELECT a.id, a.line_id, a.variant_id, a.site_id, a.lot_id, a.quantity FROM order_allocations a
WHERE a.line_id = ANY (%(line_ids)s::bigint[]) AND a.state = 'open' ORDER BY a.line_id, a.id;

-- name: end_allocations
-- So much of each ends: where all of it does, the row; a trigger takes it from the positions.
UPDATE order_allocations a
SET quantity = CASE WHEN a.quantity > n.quantity THEN a.quantity - n.quantity ELSE a.quantity END,
    state = CASE WHEN a.quantity > n.quantity THEN 'open' ELSE %(state)s END,
    ended_at = CASE WHEN a.quantity > n.quantity THEN NULL ELSE statement_timestamp() END
FROM unnest(%(ids)s::bigint[], %(quantities)s::numeric[]) AS n (id, quantity)
WHERE a.id = n.id AND a.state = 'open';

-- name: drop_reservations
-- Reservations end, the youngest first, until so much is free again at each position; why is written down with it.
WITH asked AS (
  SELECT * FROM unnest(%(variant_ids)s::bigint[], %(site_ids)s::bigint[], %(quantities)s::numeric[]) AS a (variant_id, site_id, quantity)
), ended AS (
  UPDATE reservations r SET state = 'released', ended_at = statement_timestamp()
  FROM (
    SELECT x.id FROM (
      SELECT r.id, a.quantity, sum(r.quantity) OVER (PARTITION BY r.variant_id, r.site_id ORDER BY r.id DESC) - r.quantity AS before
      FROM asked a JOIN reservations r ON r.variant_id = a.variant_id AND r.site_id = a.site_id AND r.state = 'open') x
    WHERE x.before < x.quantity
  ) d
  WHERE r.id = d.id
  RETURNING r.id, r.variant_id, r.site_id, r.quantity, r.channel, r.holder
)
INSERT INTO allocation_audit_log (actor_id, action, reservation_id, variant_id, asked, given, config_version, facts, reason)
SELECT %(actor_id)s, 'reservation_ended', e.id, e.variant_id, e.quantity, 0, %(config_version)s,
       jsonb_build_object('site_id', e.site_id, 'holder', e.holder, 'channel', e.channel, 'state', 'released'),
       'the stock is no longer there'
FROM ended e;

-- name: lots_that_end
-- Of these lots, those that end before the day.
SELECT id FROM lots WHERE id = ANY (%(ids)s::bigint[]) AND expires_on < %(until)s::date;

-- name: where_to_pick
-- The levels to take from, for each of the allocations: its lot first where it has one, then as people walk. Of what has
-- expired nothing is taken unless somebody says so.
SELECT v.variant_id, l.site_id, v.lot_id, v.location_id, v.on_hand
FROM inventory_levels v JOIN locations l ON l.id = v.location_id JOIN lots t ON t.id = v.lot_id
WHERE v.variant_id = ANY (%(variant_ids)s::bigint[]) AND l.site_id = ANY (%(site_ids)s::bigint[])
  AND l.sellable AND l.kind <> 'transit' AND v.on_hand > 0 AND NOT t.blocked
  AND (t.expires_on IS NULL OR t.expires_on >= %(today)s::date)
ORDER BY v.variant_id, l.site_id, t.expires_on NULLS LAST, l.pick_sequence NULLS LAST, l.code, v.lot_id;
