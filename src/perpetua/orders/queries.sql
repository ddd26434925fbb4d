-- name: customers_by_code
SELECT c.id, c.code, c.tier, c.min_life_days, c.active FROM unnest(%(codes)s::text[]) AS k (code)
JOIN customers c ON upper(c.code) = upper(k.code);

-- name: write
-- Orders with their lines as they were decided, in one statement.
WITH made AS (
  INSERT INTO orders (id, channel, external_id, body_hash, status, fulfilment, customer_id, tier, site_id, country, region,
                      postcode, min_life_days, placed_at, created_by)
  OVERRIDING SYSTEM VALUE
  SELECT o.id, o.channel, o.external_id, decode(o.hash, 'hex'), o.status, o.fulfilment, o.customer_id, o.tier, o.site_id,
         o.country, o.region, o.postcode, o.min_life, o.placed_at, o.created_by
  FROM unnest(
    %(ids)s::bigint[], %(channels)s::text[], %(external_ids)s::text[], %(hashes)s::text[], %(statuses)s::text[],
    %(fulfilments)s::text[], %(customer_ids)s::bigint[], %(tiers)s::text[], %(site_ids)s::bigint[], %(countries)s::text[],
    %(regions)s::text[], %(postcodes)s::text[], %(min_lives)s::integer[], %(placed_ats)s::timestamptz[],
    %(created_bys)s::bigint[]
  ) AS o (id, channel, external_id, hash, status, fulfilment, customer_id, tier, site_id, country, region, postcode, min_life,
          placed_at, created_by)
  RETURNING received_at
), contacts AS (
  INSERT INTO order_contacts (order_id, name, email, phone, address)
  SELECT c.id, c.value ->> 'name', c.value ->> 'email', c.value ->> 'phone', c.value - '{name,email,phone}'::text[]
  FROM unnest(%(contact_ids)s::bigint[], %(contacts)s::jsonb[]) AS c (id, value)
), lines AS (
  INSERT INTO order_lines (id, order_id, line_no, variant_id, kit, quantity, unit_price, allocated, refused)
  OVERRIDING SYSTEM VALUE
  SELECT * FROM unnest(
    %(line_ids)s::bigint[], %(line_order_ids)s::bigint[], %(line_nos)s::integer[], %(variant_ids)s::bigint[],
    %(kits)s::boolean[], %(quantities)s::numeric[], %(unit_prices)s::numeric[], %(allocateds)s::numeric[],
    %(refuseds)s::numeric[])
)
SELECT received_at FROM made LIMIT 1;

-- name: heads
SELECT o.id, o.channel, o.external_id, o.status, o.fulfilment, c.code AS customer, o.tier, l.code AS site, o.country, o.region,
       o.postcode, o.min_life_days, o.placed_at, o.received_at, o.version,
       t.name AS contact_name, t.email AS contact_email, t.phone AS contact_phone, t.address AS contact_address,
       t.order_id IS NOT NULL AS has_contact
FROM orders o
LEFT JOIN customers c ON c.id = o.customer_id
LEFT JOIN locations l ON l.id = o.site_id
LEFT JOIN order_contacts t ON t.order_id = o.id
WHERE o.id = ANY (%(ids)s::bigint[]);

-- name: lines
SELECT l.order_id, l.id, l.line_no, l.variant_id, i.sku, i.name, l.kit, l.quantity, l.unit_price, l.allocated, l.shipped,
       l.cancelled, l.refused, l.returned, l.backordered, l.expected_on::text AS expected_on
FROM order_lines l JOIN product_variants i ON i.id = l.variant_id
WHERE l.order_id = ANY (%(ids)s::bigint[]) ORDER BY l.order_id, l.line_no;

-- name: lock
-- Orders in the order of their ids, for whoever changes them.
SELECT id, channel, status, fulfilment, tier, site_id, country, region, postcode, min_life_days, jumps, placed_at, version
FROM orders WHERE id = ANY (%(ids)s::bigint[]) ORDER BY id FOR NO KEY UPDATE;

-- name: change_lines
-- What is added to the lines' counts; may be negative.
UPDATE order_lines l
SET quantity = l.quantity + n.quantity, allocated = l.allocated + n.allocated, shipped = l.shipped + n.shipped,
    cancelled = l.cancelled + n.cancelled, refused = l.refused + n.refused, returned = l.returned + n.returned,
    expected_on = CASE WHEN l.backordered > n.allocated + n.shipped + n.cancelled + n.refused - n.quantity THEN l.expected_on END
FROM unnest(%(line_ids)s::bigint[], %(quantities)s::numeric[], %(allocateds)s::numeric[], %(shippeds)s::numeric[],
            %(cancelleds)s::numeric[], %(refuseds)s::numeric[], %(returneds)s::numeric[])
     AS n (id, quantity, allocated, shipped, cancelled, refused, returned)
WHERE l.id = n.id;

-- name: add_lines
INSERT INTO order_lines (order_id, line_no, variant_id, kit, quantity, unit_price)
SELECT %(order_id)s, n.* FROM unnest(%(line_nos)s::integer[], %(variant_ids)s::bigint[], %(kits)s::boolean[],
                                     %(quantities)s::numeric[], %(unit_prices)s::numeric[]) AS n
RETURNING id, line_no;

-- name: counts
SELECT l.order_id, o.status, l.quantity, l.allocated, l.shipped, l.cancelled, l.refused, l.returned
FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.order_id = ANY (%(ids)s::bigint[]);

-- name: set_statuses
UPDATE orders o SET status = n.status, version = o.version + 1
FROM unnest(%(ids)s::bigint[], %(statuses)s::text[]) AS n (id, status) WHERE o.id = n.id;

-- name: set_jumps
-- Before all others (each jump is one higher than the highest), or into its own place.
UPDATE orders SET version = version + 1,
  jumps = CASE WHEN %(back)s::boolean THEN 0 ELSE 1 + (SELECT coalesce(max(o.jumps), 0) FROM orders o WHERE o.jumps > 0) END
WHERE id = %(id)s RETURNING jumps;

-- name: set_expected
UPDATE order_lines l SET expected_on = n.expected_on
FROM unnest(%(line_ids)s::bigint[], %(dates)s::date[]) AS n (id, expected_on) WHERE l.id = n.id;

-- name: orders
SELECT o.id, o.channel, o.external_id, o.status, o.fulfilment, c.code AS customer, o.tier, s.code AS site, o.placed_at,
       o.received_at, o.version, x.lines, x.quantity, x.allocated, x.shipped, x.backordered
FROM orders o
LEFT JOIN customers c ON c.id = o.customer_id
LEFT JOIN locations s ON s.id = o.site_id
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS lines, sum(l.quantity) AS quantity, sum(l.allocated) AS allocated, sum(l.shipped) AS shipped,
         sum(l.backordered) AS backordered
  FROM order_lines l WHERE l.order_id = o.id
) x
WHERE (%(after)s::bigint IS NULL OR o.id < %(after)s)
  AND (%(status)s::text IS NULL OR o.status = %(status)s)
  AND (%(channel)s::text IS NULL OR o.channel = %(channel)s)
  AND (%(external_id)s::text IS NULL OR o.external_id = %(external_id)s)
  AND (%(customer_id)s::bigint IS NULL OR o.customer_id = %(customer_id)s)
  AND (%(variant_id)s::bigint IS NULL OR EXISTS (
        SELECT FROM order_lines l WHERE l.order_id = o.id AND l.variant_id = %(variant_id)s))
  AND (%(waiting)s::boolean IS NULL OR o.status NOT IN ('SHIPPED', 'CANCELLED', 'RETURNED') AND EXISTS (
        SELECT FROM order_lines l WHERE l.order_id = o.id AND l.backordered > 0))
  AND (%(scope)s::bigint[] IS NULL OR order_in_scope(o.id, %(scope)s))
ORDER BY o.id DESC LIMIT %(limit)s;

-- name: out_of_scope
SELECT id FROM unnest(%(ids)s::bigint[]) AS n (id) WHERE NOT order_in_scope(id, %(scope)s::bigint[]) LIMIT 1;

-- name: lines_to_change
SELECT l.id, l.order_id, l.line_no, l.variant_id, i.sku, i.tracking, u.decimals, l.kit, l.quantity, l.allocated, l.shipped,
       l.cancelled, l.refused, l.returned, l.backordered
FROM order_lines l JOIN product_variants i ON i.id = l.variant_id JOIN units u ON u.code = i.unit
WHERE l.order_id = ANY (%(order_ids)s::bigint[]) ORDER BY l.order_id, l.line_no;
